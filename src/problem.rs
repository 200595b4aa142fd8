//! What is wrong, where, and whose fault: the one form in which every stage reports to the user.

use std::fmt;

use serde_json::Value;

/// Which part of a request a [`Problem`] points into.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub enum In {
    Body,
    Template,
    Variables,
    Overrides,
}

impl In {
    pub fn as_str(self) -> &'static str {
        match self {
            In::Body => "body",
            In::Template => "template",
            In::Variables => "variables",
            In::Overrides => "overrides",
        }
    }
}

/// A place in a request: which part, a JSON Pointer (RFC 6901) in it, and in which turns of `repeat` if any.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    pub part: In,
    pub at: String,
    pub turns: Turns,
}

/// The turns of a `repeat` and of those around it, counted from 1, the outermost first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Turns(Vec<u32>);

impl Turns {
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Within these the turn of this index.
    pub fn and(&self, index: usize) -> Turns {
        Turns(self.0.iter().copied().chain(u32::try_from(index + 1)).collect())
    }

    /// As they are told in JSON: `turn` the innermost, and `turns` all of them where there are several.
    pub fn told(&self) -> impl Iterator<Item = (String, Value)> {
        let several = (self.0.len() > 1).then(|| ("turns".to_owned(), Value::from(self.0.as_slice())));
        self.innermost().map(|turn| ("turn".to_owned(), Value::from(turn))).into_iter().chain(several)
    }

    pub fn innermost(&self) -> Option<u32> {
        self.0.last().copied()
    }
}

impl Place {
    pub fn new(part: In, at: impl Into<String>) -> Place {
        Place { part, at: at.into(), turns: Turns::default() }
    }

    /// The place one step below: `key` is escaped as RFC 6901 wants.
    pub fn child(&self, key: &str) -> Place {
        // Every field that is read has a place: two hundred in a small poster.
        let mut at = String::with_capacity(self.at.len() + 1 + key.len());
        at.push_str(&self.at);
        at.push('/');
        if key.contains(['~', '/']) {
            at.push_str(&key.replace('~', "~0").replace('/', "~1"));
        } else {
            at.push_str(key);
        }
        Place { part: self.part, at, turns: self.turns.clone() }
    }

    pub fn index(&self, index: usize) -> Place {
        Place { part: self.part, at: format!("{}/{index}", self.at), turns: self.turns.clone() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.part.as_str(), if self.at.is_empty() { "/" } else { &self.at })?;
        match self.turns.0.as_slice() {
            [] => Ok(()),
            [turn] => write!(f, " (turn {turn})"),
            several => write!(f, " (turns {})", several.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")),
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// The stable name of a cause. Grows; a name never changes its meaning.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $name,)* }
            }
        }
    };
}

codes! {
    /// The body is not JSON, or not JSON of a shape that can be read at all.
    MalformedJson = "malformed_json",
    /// A field that nothing of this kind has.
    UnknownField = "unknown_field",
    /// A field that must be there is not.
    MissingField = "missing_field",
    /// A value of the wrong JSON type.
    WrongType = "wrong_type",
    /// A value of the right type that is not allowed (bounds, unknown words, bad colour).
    InvalidValue = "invalid_value",
    /// Fields that exclude one another.
    Conflict = "conflicting_fields",
    /// More layers, pixels, fetches or bytes than allowed; the message names the cap.
    TooMany = "limit_exceeded",
    /// No template of that name.
    UnknownTemplate = "unknown_template",
    /// A layer type that does not exist.
    UnknownLayerType = "unknown_layer_type",
    /// A variable without default was not given.
    MissingVariable = "missing_variable",
    /// A value or placeholder whose name is not declared.
    UnknownVariable = "unknown_variable",
    /// A value that its schema refuses.
    InvalidVariable = "invalid_variable",
    /// A schema that is not one, or that asks for something remote.
    InvalidSchema = "invalid_schema",
    /// An expression that does not parse, fails, or runs out of fuel.
    InvalidExpression = "invalid_expression",
    /// An override of a layer that is not there, is locked, or of a field that may not be overridden.
    InvalidOverride = "invalid_override",
    /// No listed font family is known.
    UnknownFont = "unknown_font",
    /// A font named by source that cannot be used as one.
    NotAFont = "not_a_font",
    /// A source that may not be fetched (private address, not listed, bad scheme).
    ForbiddenSource = "forbidden_source",
    /// The origin answered 404 or 410, or an `upload:`/`asset:` name is not there.
    SourceNotFound = "source_not_found",
    /// The origin failed: refused, reset, lied about its length, answered 5xx.
    SourceFailed = "source_failed",
    /// The origin did not answer in time.
    SourceTimeout = "source_timeout",
    /// The bytes are no picture that affiche reads.
    NotAPicture = "not_a_picture",
    /// More bytes or pixels than a source may have.
    SourceTooLarge = "source_too_large",
    /// The content does not fit into a code, or its modules would be below 2 pixels.
    CodeUnreadable = "code_unreadable",
    /// `strict` was asked and the picture would have been degraded.
    Degraded = "degraded",
    /// The canvas is larger than allowed.
    CanvasTooLarge = "canvas_too_large",
    /// The request took longer than its deadline.
    Deadline = "deadline_exceeded",
    /// Too much is waiting already.
    Overloaded = "overloaded",
    /// The caller is not known or may not do this.
    Unauthorized = "unauthorized",
    Forbidden = "forbidden",
    /// Writing without keys is closed on addresses that others reach.
    WritesClosed = "writes_closed",
    NotFound = "not_found",
    MethodNotAllowed = "method_not_allowed",
    NotAcceptable = "not_acceptable",
    PreconditionFailed = "precondition_failed",
    LengthRequired = "length_required",
    BodyTooLarge = "body_too_large",
    /// The body ended before its announced length, or arrived too slowly.
    IncompleteBody = "incomplete_body",
    UnsupportedMediaType = "unsupported_media_type",
    RangeNotSatisfiable = "range_not_satisfiable",
    InvalidName = "invalid_name",
    DigestMismatch = "digest_mismatch",
    /// No room on the disk or in the quota, or no folder to write to.
    NoSpace = "no_space",
    /// A header that must be there is not, or cannot be read (resumable uploads).
    InvalidHeader = "invalid_header",
    /// A chunk that does not begin where the upload stands.
    OffsetMismatch = "offset_mismatch",
    /// Another request for the same upload took over, or does not end.
    UploadBusy = "upload_busy",
    /// An upload under way that is past its time.
    Gone = "gone",
    Draining = "draining",
    ClientClosed = "client_closed_request",
    /// A fault of affiche itself.
    Internal = "internal",
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    pub place: Place,
    pub code: Code,
    pub message: String,
    pub hint: Option<String>,
    /// What the origin answered, where an origin failed.
    pub origin_status: Option<u16>,
}

impl Problem {
    pub fn new(place: Place, code: Code, message: impl Into<String>) -> Problem {
        Problem { place, code, message: message.into(), hint: None, origin_status: None }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// The problems of one stage, in the order they were found. Never more than [`Problems::MOST`] are kept.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Problems {
    list: Vec<Problem>,
    dropped: usize,
}

impl Problems {
    /// Enough to mend any template by hand; a hostile one must not make an answer of megabytes.
    pub const MOST: usize = 100;

    pub fn new() -> Problems {
        Problems::default()
    }

    pub fn push(&mut self, problem: Problem) {
        if self.list.len() < Problems::MOST {
            self.list.push(problem);
        } else {
            self.dropped += 1;
        }
    }

    /// The hint for the next problem, worked out only if that will be kept: finding the nearest of many names takes time.
    pub fn hint(&self, hint: impl FnOnce() -> Option<String>) -> Option<String> {
        if self.is_full() { None } else { hint() }
    }

    /// No more will be kept: looking for more serves nobody.
    pub fn is_full(&self) -> bool {
        self.list.len() >= Problems::MOST
    }

    pub fn append(&mut self, other: Problems) {
        self.dropped += other.dropped;
        other.list.into_iter().for_each(|p| self.push(p));
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn list(&self) -> &[Problem] {
        &self.list
    }

    /// How many were found beyond those kept.
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// As those of one of several outputs: they name it, and the canvas they speak of is its own.
    pub fn of_output(mut self, index: usize) -> Problems {
        for problem in &mut self.list {
            if problem.place.part == In::Body && problem.place.at.starts_with("/canvas") {
                problem.place.at = format!("/outputs/{index}{}", problem.place.at);
            } else if problem.hint.is_none() {
                problem.hint = Some(format!("it was found for /outputs/{index}"));
            }
        }
        self
    }

    /// As [`Problems::append`], but what is there already for another output is not told again.
    pub fn append_new(&mut self, other: Problems) {
        self.dropped += other.dropped;
        for problem in other.list {
            let known = |p: &Problem| (&p.place, p.code, &p.message) == (&problem.place, problem.code, &problem.message);
            if !self.list.iter().any(known) {
                self.push(problem);
            }
        }
    }

    /// `Ok(value)` if nothing is wrong.
    pub fn or<T>(self, value: T) -> Result<T, Problems> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Problems {
        Problems { list: vec![problem], dropped: 0 }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.list.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        if self.dropped > 0 {
            write!(f, "\nand {} more", self.dropped)?;
        }
        Ok(())
    }
}
