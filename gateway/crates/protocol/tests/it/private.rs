//! What hides itself.

use neoron_protocol::private::{Personal, Secret};

#[test]
fn secrets_and_personal_data_never_show_themselves() {
    let (secret, phone) = (Secret::new("canary"), Personal::new("canary".to_owned()));
    let inside = (Some(&secret), vec![&phone]);
    assert_eq!(format!("{inside:?}"), "(Some(Secret(..)), [Personal(..)])");
    assert_eq!(format!("{phone:#?}"), "Personal(..)");
    assert_eq!((secret.expose(), phone.expose().as_str()), ("canary", "canary"));
}

#[test]
fn personal_data_is_stored_like_what_it_holds() {
    let name = Personal::new("Ada".to_owned());
    assert_eq!(serde_json::to_string(&name).unwrap(), "\"Ada\"");
    assert_eq!(serde_json::from_str::<Personal<String>>("\"Ada\"").unwrap(), name);
}
