//! From causes to answers: the only place with status codes, and the problem document (RFC 9457).

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::problem::{Code, Problem, Problems};

/// The status that a cause is answered with.
pub fn status(code: Code) -> StatusCode {
    use Code::*;
    match code {
        MalformedJson | InvalidName | InvalidHeader => StatusCode::BAD_REQUEST,
        Unauthorized => StatusCode::UNAUTHORIZED,
        Forbidden | ForbiddenSource | WritesClosed => StatusCode::FORBIDDEN,
        NotFound | UnknownTemplate => StatusCode::NOT_FOUND,
        MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        IncompleteBody => StatusCode::REQUEST_TIMEOUT,
        OffsetMismatch | UploadBusy => StatusCode::CONFLICT,
        Gone => StatusCode::GONE,
        LengthRequired => StatusCode::LENGTH_REQUIRED,
        PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        RangeNotSatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
        UnknownField | MissingField | WrongType | InvalidValue | Conflict | TooMany | UnknownLayerType | MissingVariable
        | UnknownVariable | InvalidVariable | InvalidSchema | InvalidExpression | InvalidOverride | UnknownFont | NotAFont
        | SourceNotFound | NotAPicture | SourceTooLarge | CodeUnreadable | Degraded | CanvasTooLarge => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Overloaded => StatusCode::TOO_MANY_REQUESTS,
        // tus' "checksum mismatch" and nginx's "client closed request": not registered, widely understood.
        DigestMismatch => registered_nowhere(460),
        ClientClosed => registered_nowhere(499),
        Internal => StatusCode::INTERNAL_SERVER_ERROR,
        SourceFailed => StatusCode::BAD_GATEWAY,
        Draining => StatusCode::SERVICE_UNAVAILABLE,
        SourceTimeout | Deadline => StatusCode::GATEWAY_TIMEOUT,
        NoSpace => StatusCode::INSUFFICIENT_STORAGE,
    }
}

/// The statuses of answers that are no errors.
pub const CREATED: StatusCode = StatusCode::CREATED;
pub const NO_CONTENT: StatusCode = StatusCode::NO_CONTENT;
pub const PARTIAL: StatusCode = StatusCode::PARTIAL_CONTENT;
pub const NOT_MODIFIED: StatusCode = StatusCode::NOT_MODIFIED;

fn registered_nowhere(number: u16) -> StatusCode {
    StatusCode::from_u16(number).unwrap_or(StatusCode::BAD_REQUEST)
}

/// A request that is not answered with what it asked for.
#[derive(Clone, Debug)]
pub struct Failure {
    pub code: Code,
    pub detail: String,
    pub problems: Problems,
    /// Besides those of every error answer; few.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl Failure {
    /// Of the request as a whole: no place in its body is to blame.
    pub fn new(code: Code, detail: impl Into<String>) -> Failure {
        let mut headers = Vec::new();
        match status(code) {
            StatusCode::UNAUTHORIZED => {
                headers.push((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"affiche\"")));
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                headers.push((RETRY_AFTER, HeaderValue::from_static("1")));
            }
            _ => {}
        }
        Failure { code, detail: detail.into(), problems: Problems::new(), headers }
    }

    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Failure {
        self.headers.push((name, value));
        self
    }

    pub fn status(&self) -> StatusCode {
        status(self.code)
    }

    /// A fault of ours. What really happened goes to the log, not to the caller.
    pub fn internal(what: impl std::fmt::Display) -> Failure {
        tracing::error!(cause = %what, "internal error");
        Failure::new(Code::Internal, INTERNAL)
    }
}

const INTERNAL: &str = "a fault of affiche itself; its log tells more under this request id";

/// The status is the lowest among the problems; the first of that status speaks for all.
impl From<Problems> for Failure {
    fn from(problems: Problems) -> Failure {
        let mut shown = Problems::new();
        for problem in problems.list() {
            let mut problem = problem.clone();
            if problem.code == Code::Internal {
                tracing::error!(cause = %problem, "internal error");
                INTERNAL.clone_into(&mut problem.message);
                problem.hint = None;
            }
            shown.push(problem);
        }
        let Some(first) = shown.list().iter().min_by_key(|problem| status(problem.code)) else {
            return Failure::internal("a failure without a problem");
        };
        let mut failure = Failure::new(first.code, summary(first, problems.list().len() + problems.dropped()));
        let dropped = problems.dropped();
        failure.problems = shown;
        if dropped > 0 {
            failure.detail.push_str(&format!("; only the first {} are listed", Problems::MOST));
        }
        failure
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Failure {
        Problems::from(problem).into()
    }
}

fn summary(first: &Problem, count: usize) -> String {
    match count {
        1 => first.to_string(),
        count => format!("{first}; {count} problems in all"),
    }
}

/// The problem document. `request_id` is absent on the command line.
pub fn document(failure: &Failure, request_id: Option<&str>) -> Value {
    let status = failure.status();
    let problems: Vec<Value> = failure.problems.list().iter().map(entry).collect();
    let mut document = json!({
        "type": "about:blank",
        "title": title(status),
        "status": status.as_u16(),
        "code": failure.code.as_str(),
        "detail": failure.detail,
        "problems": problems,
    });
    if let (Some(object), Some(id)) = (document.as_object_mut(), request_id) {
        object.insert("request_id".to_owned(), Value::from(id));
    }
    document
}

fn title(status: StatusCode) -> &'static str {
    match status.as_u16() {
        460 => "Checksum Mismatch",
        499 => "Client Closed Request",
        _ => status.canonical_reason().unwrap_or("Error"),
    }
}

fn entry(problem: &Problem) -> Value {
    let mut entry = json!({
        "in": problem.place.part.as_str(),
        "at": problem.place.at,
        "code": problem.code.as_str(),
        "message": problem.message,
    });
    if let Some(object) = entry.as_object_mut() {
        object.extend(problem.place.turns.told());
        if let Some(hint) = &problem.hint {
            object.insert("hint".to_owned(), Value::from(hint.as_str()));
        }
        if let Some(status) = problem.origin_status {
            object.insert("origin_status".to_owned(), Value::from(status));
        }
    }
    entry
}

/// The body is written by [`finish`], which knows the request's id.
impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        response.headers_mut().extend(self.headers.clone());
        response.extensions_mut().insert(self);
        response
    }
}

/// Gives every error answer its document, also those that the router made.
pub fn finish(mut response: Response, request_id: &str) -> (Response, Option<Failure>) {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return (response, None);
    }
    let failure = response.extensions_mut().remove::<Failure>().unwrap_or_else(|| {
        let mut failure = from_router(status);
        // A 405 of the router says which methods there are.
        if let Some(allow) = response.headers().get(ALLOW) {
            failure.headers.push((ALLOW, allow.clone()));
        }
        failure
    });
    let body = document(&failure, Some(request_id)).to_string();
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = failure.status();
    answer.headers_mut().extend(failure.headers.clone());
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    (answer, Some(failure))
}

fn from_router(status: StatusCode) -> Failure {
    match status {
        StatusCode::NOT_FOUND => Failure::new(Code::NotFound, "there is nothing at this path"),
        StatusCode::METHOD_NOT_ALLOWED => Failure::new(Code::MethodNotAllowed, "this path does not take that method"),
        StatusCode::BAD_REQUEST => Failure::new(Code::InvalidName, "the path cannot be read"),
        other => Failure::internal(format!("the router answered {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{In, Place};

    fn problem(code: Code, at: &str) -> Problem {
        Problem::new(Place::new(In::Template, at), code, "no good")
    }

    #[test]
    fn every_code_has_an_error_status() {
        for code in Code::ALL {
            assert!(status(*code).as_u16() >= 400, "{code:?}");
        }
        assert_eq!(status(Code::DigestMismatch).as_u16(), 460);
        assert_eq!(status(Code::ForbiddenSource).as_u16(), 403);
    }

    #[test]
    fn the_lowest_status_speaks() {
        let mut problems = Problems::new();
        problems.push(problem(Code::SourceFailed, "/layers/0/src"));
        problems.push(problem(Code::ForbiddenSource, "/layers/1/src").hint("list it"));
        problems.push(problem(Code::NotAPicture, "/layers/2/src"));
        let failure = Failure::from(problems);
        let document = document(&failure, Some("r1"));
        assert_eq!((&document["status"], &document["code"]), (&json!(403), &json!("forbidden_source")));
        assert_eq!(document["detail"], "template /layers/1/src: no good (list it); 3 problems in all");
        assert_eq!(document["request_id"], "r1");
        assert_eq!(document["problems"].as_array().unwrap().len(), 3);
        let second = json!({ "in": "template", "at": "/layers/1/src", "code": "forbidden_source", "message": "no good", "hint": "list it" });
        assert_eq!(document["problems"][1], second);
    }

    #[test]
    fn what_went_wrong_within_stays_within() {
        let inner = Problem::new(Place::new(In::Body, ""), Code::Internal, "panicked at /src/x.rs:3");
        let document = document(&Failure::from(inner), None).to_string();
        assert!(!document.contains("/src/") && document.contains("\"status\":500"), "{document}");
    }

    #[test]
    fn more_than_are_kept() {
        let mut problems = Problems::new();
        for n in 0..Problems::MOST + 5 {
            problems.push(problem(Code::UnknownField, &format!("/{n}")));
        }
        let failure = Failure::from(problems);
        assert!(failure.detail.contains("105 problems in all; only the first 100 are listed"), "{}", failure.detail);
    }
}
