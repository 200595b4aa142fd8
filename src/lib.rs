//! affiche turns a JSON template and variables into a poster image.
//!
//! The modules stand in the order of the data's way; `ARCHITECTURE.md` walks one render through them.

// Values that cannot be wrong after construction, and what every stage shares.
pub mod color;
mod crew;
pub mod ctx;
pub mod geom;
pub mod key;
mod level;
pub mod limits;
pub mod memo;
pub mod pixels;
pub mod problem;

// request JSON -> Template -> (merge) Poster
pub mod layer;
pub mod poster;
pub mod template;
// -> (gather) Assets
pub mod asset;
pub mod intake;
// -> (lay out) Layout
pub mod layout;
pub mod lower;
pub mod text;
// -> (lower) Scene
pub mod scene;
// -> (settle) Settled
pub mod settle;
// (read again: codes; judged: contrast)
pub mod judge;
// -> (raster: paint and encode by band) -> bytes
pub mod encode;
pub mod paint;
pub mod raster;

pub mod draw;
pub mod pipeline;

// The rim.
pub mod cli;
pub mod config;
pub mod http;
pub mod workers;
