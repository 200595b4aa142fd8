//! A table into items: what lies behind columns and rows, the cells, the lines between them, the border.

use super::{Measured, Order, Table};
use crate::asset::Assets;
use crate::geom::{Affine, Rect};
use crate::layer::emit::Emitter;
use crate::layer::values::{Border, Paint, Radius};
use crate::scene::{Blend, Item, Lowered};

impl Table {
    pub fn emit(&self, measured: &Measured, rect: Rect, to: &Emitter) -> Vec<Item<Lowered>> {
        let whole = to.content_box(rect, &self.look.radius, self.look.border.as_ref());
        let mut items = Vec::new();
        if let Some(background) = &self.look.background {
            items.push(Item::fill(whole.clone(), to.paint(background, rect, 1.0)));
        }
        let own = Rect::new(0.0, 0.0, rect.width, rect.height);
        let inner = Emitter { map: to.map.then_inner(Affine::translate(rect.x, rect.y)), ..*to };
        let mut inside = self.bands(measured, own, &inner);
        for cell in self.told(measured) {
            if let Some(laid) = cell.content.laid() {
                let painted = cell.text.emit(laid, cell.rect, &inner, &Assets::default());
                inside.extend(painted.into_iter().filter(|item| to.sees(item)));
            }
        }
        inside.extend(self.rules(measured, own, &inner));
        // What reaches into a round corner is cut with it.
        match self.look.radius.is_none() || inside.is_empty() {
            true => items.extend(inside),
            false => items.push(Item::group(inside, 255, Blend::Normal, Some(whole), None)),
        }
        if let Some(border) = &self.look.border {
            items.extend(to.border(rect, &self.look.radius, border, 1.0));
        }
        items
    }

    /// Behind columns, and over that behind rows.
    fn bands(&self, measured: &Measured, own: Rect, to: &Emitter) -> Vec<Item<Lowered>> {
        let band = |paint: &Paint, rect: Rect| Item::fill(to.round_box(rect, &Radius::NONE), to.paint(paint, rect, 1.0));
        let of_columns = self
            .grounds
            .iter()
            .zip(&measured.columns)
            .filter_map(|(paint, (left, width))| Some(band(paint.as_ref()?, Rect { x: *left, width: *width, ..own })));
        let first = usize::from(self.has_header);
        let of_rows = self.rows.iter().zip(&measured.rows).enumerate().filter_map(|(index, (row, (top, height)))| {
            let striped = index.checked_sub(first).is_some_and(|below| below % 2 == 1);
            let paint = row.background.as_ref().or(self.zebra.as_ref().filter(|_| striped))?;
            Some(band(paint, Rect { y: *top, height: *height, ..own }))
        });
        of_columns.chain(of_rows).collect()
    }

    /// Lines of one look are one shape: where they cross nothing shows twice.
    fn rules(&self, measured: &Measured, own: Rect, to: &Emitter) -> Vec<Item<Lowered>> {
        let Some(rules) = &self.rules else { return Vec::new() };
        let mut shapes: Vec<(&Border, Vec<Rect>)> = Vec::new();
        let across = measured.rows.iter().enumerate().skip(1).filter_map(|(index, (top, _))| {
            let of_header = rules.header.as_ref().filter(|_| self.has_header && index == 1);
            let rule = of_header.or(rules.rows.as_ref())?;
            Some((rule, Rect { y: top - rule.width / 2.0, height: rule.width, ..own }))
        });
        let down = rules.columns.iter().flat_map(|rule| {
            let boxes = self.edges(measured).into_iter();
            boxes.map(move |edge| (rule, Rect { x: edge.x - rule.width / 2.0, width: rule.width, ..edge }))
        });
        for (rule, rect) in down.chain(across).filter(|(rule, _)| rule.width > 0.0) {
            match shapes.iter_mut().find(|(known, _)| *known == rule) {
                Some((_, boxes)) => boxes.push(rect),
                None => shapes.push((rule, vec![rect])),
            }
        }
        let shape = |(rule, boxes): (&Border, Vec<Rect>)| {
            Item::fill(to.round_boxes(&boxes, &Radius::NONE), to.paint(&rule.paint, own, 1.0))
        };
        shapes.into_iter().map(shape).collect()
    }

    /// The edges between columns, without width, as far down as no cell reaches over them.
    fn edges(&self, measured: &Measured) -> Vec<Rect> {
        let mut edges = Vec::new();
        for (after, (left, width)) in measured.columns.iter().enumerate().skip(1) {
            let x = if self.direction == Order::Rtl { left + width } else { *left };
            let mut open: Option<Rect> = None;
            for (row, (top, height)) in self.rows.iter().zip(&measured.rows) {
                match &mut open {
                    _ if row.cells.iter().any(|cell| cell.from < after && after < cell.to) => edges.extend(open.take()),
                    Some(edge) => edge.height += height,
                    None => open = Some(Rect::new(x, *top, 0.0, *height)),
                }
            }
            edges.extend(open);
        }
        edges
    }
}
