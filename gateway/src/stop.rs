//! What ends the process: the first SIGTERM or SIGINT asks it to leave in peace, the second at once. Under a parent that
//! holds its standard input, the end of the input counts as the first.

use std::io::Read as _;

use anyhow::{Context as _, Result};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};

/// Both signals, and the input's end.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    input: Option<oneshot::Receiver<()>>,
}

impl Signals {
    /// Begins to listen; from now on the signals do not end the process by themselves.
    ///
    /// # Errors
    /// If the operating system does not allow it.
    pub(crate) fn listen(until_eof: bool) -> Result<Self> {
        let on = |kind| signal(kind).context("cannot listen to signals");
        Ok(Self {
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
            input: until_eof.then(end_of_input),
        })
    }

    /// Waits for the next signal and names it.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            () = ended(&mut self.input) => "the end of the input",
        }
    }
}

/// Reads standard input to its end. A thread of its own: the runtime would wait for one of its own threads when the
/// process ends by a signal.
fn end_of_input() -> oneshot::Receiver<()> {
    let (over, ended) = oneshot::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 64];
        while std::io::stdin().read(&mut buffer).is_ok_and(|count| count > 0) {}
        // Nobody waits any more if the process is ending already.
        let _ = over.send(());
    });
    ended
}

/// Once the input has ended; never again after that, and never without one.
async fn ended(input: &mut Option<oneshot::Receiver<()>>) {
    match input {
        Some(over) => {
            let _ = over.await;
            *input = None;
        }
        None => std::future::pending().await,
    }
}
