//! Sessions: how one is made, talked into, ended, and how reports of the voice service move it.
//!
//! Every change is one step of the store. What must reach the voice service or ERPNext afterwards is a job of that step;
//! nothing here keeps anything that another worker would miss.

mod create;
mod life;
mod request;
mod routes;
mod talk;
mod view;

pub(crate) use self::{
    create::give_up,
    life::{Applied, Report, report},
    routes::{
        __path_create_session, __path_end_session, __path_read_session, __path_send_message, create_session,
        end_session, read_session, send_message,
    },
    talk::{Delivered, deliver, end, hang_up, say},
};
