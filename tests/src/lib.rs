//! Tools for testing the whole product from outside: the gateway in a process of its own, which can be killed and
//! started again, beside simulated outside systems that live on. It never reaches into a part of the product.

mod stack;

pub use stack::{Stack, eventually, within};
