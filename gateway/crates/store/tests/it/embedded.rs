//! The embedded store: the contract, and what only a file can go through.

mod faults;
mod file;
mod kill;

use std::{path::Path, sync::Arc};

use neoron_store::{
    EmbeddedStore, SystemClock,
    embedded::{OpenError, Options},
};

use crate::{
    contract::contract,
    world::{World, clock},
};

contract!(contract, crate::embedded::make_embedded);

/// A world on an embedded store that goes away with it.
pub(crate) async fn make_embedded() -> World {
    let clock = clock();
    World { store: Arc::new(EmbeddedStore::in_memory(clock.clone()).unwrap()), clock }
}

/// A store in a file, on the machine's clock.
fn open(path: &Path, options: Options) -> Result<EmbeddedStore, OpenError> {
    EmbeddedStore::open(path, options, Arc::new(SystemClock))
}
