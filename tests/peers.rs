//! What `bench/peers` uses of affiche: that crate stands outside of the workspace, and is built with takumi only to measure. Its half that
//! knows affiche is compiled here as well, so that it does not break unseen.
// A test may panic: that is how it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

#[path = "../bench/peers/src/affiche_side.rs"]
mod affiche_side;
#[path = "../bench/peers/src/posters.rs"]
#[expect(dead_code, reason = "some of it is for takumi's half")]
mod posters;

use affiche::encode::Compression;
use affiche_side::{Affiche, How, parsed, request};

#[test]
fn every_state_gives_the_same_bytes() {
    let affiche = Affiche::new();
    let subjects = posters::subjects(&["og".to_owned(), "flat-20".to_owned()]);
    assert_eq!(subjects.len(), 2);
    for subject in subjects {
        let variables = subject.variables(1);
        let how = How { threads: 1, compression: Compression::Fast, scale: 1.0 };
        let cold = affiche.cold(&subject, &variables, how);
        assert!(cold.starts_with(b"\x89PNG"), "{}", subject.name);
        for _ in 0..2 {
            assert!(affiche.pictures_kept(&parsed(&subject), &variables, how) == cold, "{} with pictures kept", subject.name);
            let (answered, _) = affiche.request(request(&subject, &variables, Compression::Fast));
            assert!(answered.concat() == cold, "{} of the service", subject.name);
        }
    }
}
