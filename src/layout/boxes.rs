//! Where a layer's box lies: the contract's box fields resolved against the parent.

use crate::geom::Rect;
use crate::layer::values::Length;
use crate::problem::{Code, Place, Problem};

/// The box fields of a layer, as written.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct BoxSpec {
    pub x: Option<Length>,
    pub y: Option<Length>,
    pub right: Option<Length>,
    pub bottom: Option<Length>,
    pub width: Option<Length>,
    pub height: Option<Length>,
    pub min_width: Option<Length>,
    pub max_width: Option<Length>,
    pub min_height: Option<Length>,
    pub max_height: Option<Length>,
    /// Width divided by height.
    pub aspect_ratio: Option<f64>,
    /// The other end of what goes from `x`, `y` to a point; nothing else of the box counts then.
    pub to: Option<(Length, Length)>,
}

impl BoxSpec {
    /// Whether the box can only be placed once the parent's height is known.
    pub fn needs_parent_height(&self) -> bool {
        let percent = |l: Option<Length>| matches!(l, Some(Length::Percent(_)));
        let down = [self.y, self.height, self.min_height, self.max_height, self.to.map(|(_, y)| y)];
        self.bottom.is_some() || down.into_iter().any(percent)
    }
}

impl BoxSpec {
    /// Whether the box hangs on a far edge of the parent that is not known yet. A percentage of an unknown side does not wait: it is
    /// an error.
    pub fn waits_for(&self, unknown_width: bool, unknown_height: bool) -> bool {
        let percent = |l: Option<Length>| matches!(l, Some(Length::Percent(_)));
        let (to_x, to_y) = (self.to.map(|(x, _)| x), self.to.map(|(_, y)| y));
        let across = [self.x, self.right, self.width, self.min_width, self.max_width, to_x].into_iter().any(percent);
        let down = [self.y, self.bottom, self.height, self.min_height, self.max_height, to_y].into_iter().any(percent);
        let is_wrong = (unknown_width && across) || (unknown_height && down);
        !is_wrong && ((unknown_width && self.right.is_some()) || (unknown_height && self.bottom.is_some()))
    }
}

/// What percentages and far edges refer to.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Parent {
    /// Unknown while an automatic width is being found.
    pub width: Option<f64>,
    /// Unknown while an automatic height is being found.
    pub height: Option<f64>,
}

/// The sides that are settled before the content is asked.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Given {
    pub width: Option<f64>,
    pub height: Option<f64>,
    /// The width that content must not exceed where its own decides.
    pub at_most: Option<f64>,
    /// The same of its height, for lines that run down.
    pub at_most_down: Option<f64>,
    /// Where the other end lies, counted from `x`, `y`, of what goes to a point.
    pub ahead: Option<(f64, f64)>,
}

/// Something that has a size of its own, once some sides are given.
pub trait Measured {
    fn size(&self) -> (f64, f64);

    /// Whether it is laid out anew in a `height` that is not its own.
    fn follows_height(&self, _height: f64) -> bool {
        false
    }
}

/// Finds the box and the content measured for it. `measure` is asked again when a minimum or maximum overrules it.
pub fn place<C: Measured>(
    spec: &BoxSpec,
    parent: Parent,
    place: &Place,
    mut measure: impl FnMut(Given) -> Result<C, Problem>,
) -> Result<(Rect, C), Problem> {
    let resolve = |l: Option<Length>, whole: Option<f64>, field: &str, side: &str| match (l, whole) {
        (None, _) => Ok(None),
        (Some(Length::Px(px)), _) => Ok(Some(px)),
        (Some(percent), Some(whole)) => Ok(Some(percent.resolve(whole))),
        (Some(_), None) => Err(percentage_of_automatic(place, field, side)),
    };
    let across = |l: Option<Length>, field: &str| resolve(l, parent.width, field, "width");
    let down = |l: Option<Length>, field: &str| resolve(l, parent.height, field, "height");
    let (x, right) = (across(spec.x, "x")?, across(spec.right, "right")?);
    let (y, bottom) = (down(spec.y, "y")?, down(spec.bottom, "bottom")?);
    if let Some((to_x, to_y)) = spec.to {
        let (from, to) = (
            (x.unwrap_or(0.0), y.unwrap_or(0.0)),
            (across(Some(to_x), "to")?.unwrap_or(0.0), down(Some(to_y), "to")?.unwrap_or(0.0)),
        );
        let ahead = (to.0 - from.0, to.1 - from.1);
        let content = measure(Given { ahead: Some(ahead), ..Given::default() })?;
        return Ok((Rect::new(from.0.min(to.0), from.1.min(to.1), ahead.0.abs(), ahead.1.abs()), content));
    }
    let (min_width, max_width) = (across(spec.min_width, "min_width")?, across(spec.max_width, "max_width")?);
    let (min_height, max_height) = (down(spec.min_height, "min_height")?, down(spec.max_height, "max_height")?);
    let clamp_w = |w: f64| clamp(w, min_width, max_width);
    let clamp_h = |h: f64| clamp(h, min_height, max_height);

    let stretched = |near: Option<f64>, far: Option<f64>, whole: Option<f64>| Some((whole? - near? - far?).max(0.0));
    let mut width = across(spec.width, "width")?.or_else(|| stretched(x, right, parent.width)).map(clamp_w);
    let mut height = down(spec.height, "height")?.or_else(|| stretched(y, bottom, parent.height)).map(clamp_h);
    if let Some(ratio) = spec.aspect_ratio {
        match (width, height) {
            (Some(w), None) => height = Some(clamp_h(w / ratio)),
            (None, Some(h)) => width = Some(clamp_w(h * ratio)),
            _ => {}
        }
    }

    let at_most_down = max_height.map(clamp_h);
    let mut content = measure(Given { width, height, at_most: max_width, at_most_down, ahead: None })?;
    let (own_width, own_height) = content.size();
    let mut size = (width.unwrap_or_else(|| clamp_w(own_width)), height.unwrap_or_else(|| clamp_h(own_height)));
    // A minimum or maximum overruled the content's own width: it must be set anew in the width it really has.
    if width.is_none() && size.0 != own_width {
        content = measure(Given { width: Some(size.0), height, at_most_down, ..Given::default() })?;
        size.1 = height.unwrap_or_else(|| clamp_h(content.size().1));
    }

    if content.follows_height(size.1) && height.is_none() && size.1 != content.size().1 {
        content = measure(Given { width: Some(size.0), height: Some(size.1), ..Given::default() })?;
    }

    let left = match (x, right, parent.width) {
        (Some(x), ..) => x,
        (None, Some(right), Some(whole)) => whole - right - size.0,
        _ => 0.0,
    };
    let top = match (y, bottom, parent.height) {
        (Some(y), ..) => y,
        (None, Some(bottom), Some(whole)) => whole - bottom - size.1,
        _ => 0.0,
    };
    Ok((Rect::new(left, top, size.0, size.1), content))
}

pub fn percentage_of_automatic(place: &Place, field: &str, side: &str) -> Problem {
    Problem::new(place.child(field), Code::Conflict, format!("a percentage of an automatic {side}"))
        .hint(format!("give the parent a {side}, or this layer pixels"))
}

/// As in CSS, the minimum wins over the maximum.
fn clamp(value: f64, min: Option<f64>, max: Option<f64>) -> f64 {
    let below = max.map_or(value, |max| value.min(max));
    min.map_or(below, |min| below.max(min)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::In;

    struct Own(f64, f64);
    impl Measured for Own {
        fn size(&self) -> (f64, f64) {
            (self.0, self.1)
        }
    }

    fn resolve(spec: BoxSpec) -> Rect {
        let at = Place::new(In::Template, "/layers/0");
        let parent = Parent { width: Some(200.0), height: Some(100.0) };
        // Content of 1,000 square pixels that takes what width it is given.
        place(&spec, parent, &at, |given| {
            let width = given.width.unwrap_or(50.0).min(given.at_most.unwrap_or(f64::INFINITY));
            Ok(Own(width, 1000.0 / width))
        })
        .unwrap()
        .0
    }

    const PX: fn(f64) -> Option<Length> = |v| Some(Length::Px(v));

    #[test]
    fn sides_follow_the_contract() {
        let spec = BoxSpec { x: PX(10.0), width: PX(40.0), height: PX(30.0), ..BoxSpec::default() };
        assert_eq!(resolve(spec), Rect::new(10.0, 0.0, 40.0, 30.0));
        let stretched = BoxSpec { x: PX(10.0), right: PX(20.0), y: PX(5.0), bottom: PX(5.0), ..BoxSpec::default() };
        assert_eq!(resolve(stretched), Rect::new(10.0, 5.0, 170.0, 90.0));
        let far = BoxSpec { right: PX(20.0), bottom: PX(10.0), width: PX(40.0), height: PX(30.0), ..BoxSpec::default() };
        assert_eq!(resolve(far), Rect::new(140.0, 60.0, 40.0, 30.0));
        let percent = BoxSpec { width: Some(Length::Percent(50.0)), height: Some(Length::Percent(10.0)), ..BoxSpec::default() };
        assert_eq!(resolve(percent), Rect::new(0.0, 0.0, 100.0, 10.0));
        let ratio = BoxSpec { width: PX(80.0), aspect_ratio: Some(2.0), ..BoxSpec::default() };
        assert_eq!(resolve(ratio), Rect::new(0.0, 0.0, 80.0, 40.0));
    }

    #[test]
    fn what_goes_to_a_point_has_the_box_around_both_ends() {
        let spec = BoxSpec { x: PX(50.0), y: PX(20.0), to: Some((Length::Percent(5.0), Length::Px(60.0))), ..BoxSpec::default() };
        assert_eq!(resolve(spec), Rect::new(10.0, 20.0, 40.0, 40.0));
        assert!(!spec.needs_parent_height());
        assert!(BoxSpec { to: Some((Length::Px(1.0), Length::Percent(1.0))), ..BoxSpec::default() }.needs_parent_height());
    }

    #[test]
    fn content_is_measured_again_when_a_bound_overrules_it() {
        assert_eq!(resolve(BoxSpec::default()), Rect::new(0.0, 0.0, 50.0, 20.0));
        assert_eq!(resolve(BoxSpec { min_width: PX(100.0), ..BoxSpec::default() }), Rect::new(0.0, 0.0, 100.0, 10.0));
        assert_eq!(resolve(BoxSpec { max_width: PX(25.0), ..BoxSpec::default() }), Rect::new(0.0, 0.0, 25.0, 40.0));
    }

    #[test]
    fn a_percentage_of_an_unknown_height_is_an_error_at_its_field() {
        let at = Place::new(In::Template, "/layers/0");
        let spec = BoxSpec { height: Some(Length::Percent(50.0)), ..BoxSpec::default() };
        let parent = Parent { width: Some(200.0), height: None };
        let problem = place(&spec, parent, &at, |_| Ok(Own(1.0, 1.0))).err().unwrap();
        assert_eq!(problem.place.at, "/layers/0/height");
    }
}
