//! Sessions: how one is made, talked into, ended, and how reports of the voice service move it.
//!
//! Every change is one step of the store. What must reach the voice service or ERPNext afterwards is a job of that step;
//! nothing here keeps anything that another worker would miss.

mod adopt;
mod create;
mod life;
mod request;
mod routes;
mod seats;
mod talk;
mod view;
mod waiting;

pub(crate) use self::{
    adopt::{Peers, adopt, touch},
    create::give_up,
    life::{Applied, Report, report},
    routes::{
        __path_ask_for_place, __path_create_session, __path_end_session, __path_leave_place, __path_read_session,
        __path_send_message, ask_for_place, create_session, end_session, leave_place, read_session, send_message,
    },
    seats::rise,
    talk::{Delivered, deliver, end, hang_up, say},
};
