//! `affiche schema`: the JSON Schema of templates.

use crate::cli::{Fault, print};
use crate::template::schema::template_schema;

pub fn run() -> Result<(), Fault> {
    print(&format!("{:#}\n", template_schema()))
}
