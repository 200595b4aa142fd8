//! affiche.
