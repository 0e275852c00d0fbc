//! What a failure of the proxy is called, and whose it was.

use std::io;

use neoron_protocol::ErrorCode;
use pingora_core::{Error, ErrorSource, ErrorType};

use crate::metrics::Failure;

/// A failure that has an answer.
pub(super) struct Fault {
    pub(super) code: ErrorCode,
    pub(super) detail: &'static str,
    /// Set if a worker failed and it is not counted yet.
    pub(super) failure: Option<Failure>,
}

/// Judges an error; `None` if the client is gone, so there is nobody to answer.
pub(super) fn judge(error: &Error) -> Option<Fault> {
    let fault = |code, detail, failure| Some(Fault { code, detail, failure });
    match (error.esource(), error.etype()) {
        (ErrorSource::Upstream, ErrorType::ReadTimedout | ErrorType::WriteTimedout) => {
            fault(ErrorCode::GatewayTimeout, "the worker did not answer in time", Some(Failure::Timeout))
        }
        // Counted when it happened, once for each worker that was tried.
        (ErrorSource::Upstream, ErrorType::ConnectTimedout | ErrorType::ConnectRefused | ErrorType::ConnectError) => {
            fault(ErrorCode::BadGateway, "no worker could be reached", None)
        }
        (ErrorSource::Upstream, _) => {
            fault(ErrorCode::BadGateway, "the worker gave no valid answer", Some(Failure::Broken))
        }
        (ErrorSource::Downstream, ErrorType::ReadTimedout) => {
            fault(ErrorCode::RequestTimeout, "the body took too long to arrive", None)
        }
        (ErrorSource::Downstream, ErrorType::ReadError) if ran_out_of_time(error) => {
            fault(ErrorCode::RequestTimeout, "the body took too long to arrive", None)
        }
        (ErrorSource::Downstream, ErrorType::ReadError | ErrorType::WriteError | ErrorType::ConnectionClosed) => None,
        (ErrorSource::Downstream, _) => fault(ErrorCode::MalformedRequest, "the body is not well-formed", None),
        (ErrorSource::Internal | ErrorSource::Unset, _) => {
            tracing::error!(%error, "the proxy failed");
            fault(ErrorCode::Internal, "the request could not be forwarded", None)
        }
    }
}

/// Whether it was the gate's deadline.
fn ran_out_of_time(error: &Error) -> bool {
    let cause = error.root_cause().downcast_ref::<io::Error>();
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::TimedOut)
}
