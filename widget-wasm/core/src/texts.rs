//! Every sentence of the popup in every language it has. It never holds what a visitor or the agent says.
//!
//! Only English is compiled into the popup. The build writes every other language into a file, which the loader fetches
//! for the pages that need it: a language is 3 kB gzipped, and a visitor reads one.

use alloc::string::String;

use crate::encode::decimal;

/// A language the popup speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// The one for every tag we have no table for.
    #[default]
    English,
    /// German.
    German,
    /// Arabic, written from right to left.
    Arabic,
}

impl Language {
    /// All languages.
    pub const ALL: [Self; 3] = [Self::English, Self::German, Self::Arabic];

    /// The language of a BCP 47 tag such as `de-AT`; English for one that is not known.
    pub fn from_tag(tag: &str) -> Self {
        let end = tag.bytes().position(|byte| matches!(byte, b'-' | b'_')).unwrap_or(tag.len());
        let primary = tag.get(..end).unwrap_or_default();
        Self::ALL.into_iter().find(|language| primary.eq_ignore_ascii_case(language.tag())).unwrap_or_default()
    }

    /// The tag of the table, for `lang` attributes and `Intl`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::Arabic => "ar",
        }
    }

    /// The value of the `dir` attribute.
    pub const fn direction(self) -> &'static str {
        match self {
            Self::Arabic => "rtl",
            Self::English | Self::German => "ltr",
        }
    }

    /// All its sentences, in the order of [`Text::ALL`]: the content of its file.
    pub const fn sentences(self) -> &'static [&'static str] {
        match self {
            Self::English => ENGLISH,
            Self::German => GERMAN,
            Self::Arabic => ARABIC,
        }
    }
}

/// A language with its sentences at hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Words {
    language: Language,
    loaded: &'static [String],
}

impl Words {
    /// The sentences of a language's file; English if they are not all there. The popup lives as long as its page, so
    /// that whoever loads them leaks them.
    pub fn new(language: Language, loaded: &'static [String]) -> Self {
        if loaded.len() == Text::ALL.len() { Self { language, loaded } } else { Self::default() }
    }

    /// [`Language::tag`] of what is truly shown.
    pub const fn tag(self) -> &'static str {
        self.language.tag()
    }

    /// [`Language::direction`] of what is truly shown.
    pub const fn direction(self) -> &'static str {
        self.language.direction()
    }
}

macro_rules! texts {
    ($($name:ident: $english:literal, $german:literal, $arabic:literal;)*) => {
        /// One sentence, in all languages.
        #[allow(missing_docs, reason = "the English column is the documentation")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Text { $($name,)* }

        impl Text {
            /// All sentences.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }

        const ENGLISH: &[&str] = &[$($english,)*];
        const GERMAN: &[&str] = &[$($german,)*];
        const ARABIC: &[&str] = &[$($arabic,)*];
    };
}

texts! {
    Title: "Assistant", "Assistent", "المساعد";
    Greeting: "Hi! How can we help?", "Hallo! Wie können wir helfen?", "مرحبًا! كيف يمكننا مساعدتك؟";
    Disclosure: "You will be talking to a machine: an AI assistant, not a person. What you say is processed to answer you and to handle your request.",
        "Sie sprechen mit einer Maschine: einem KI-Assistenten, keinem Menschen. Was Sie sagen, wird verarbeitet, um Ihnen zu antworten und Ihr Anliegen zu erledigen.",
        "ستتحدث إلى آلة: مساعد ذكاء اصطناعي وليس إنسانًا. يُعالَج ما تقوله للرد عليك ولتنفيذ طلبك.";
    Consent: "By choosing how to talk you agree to this. You can stop at any time.",
        "Mit Ihrer Wahl stimmen Sie dem zu. Sie können jederzeit aufhören.",
        "باختيارك طريقة التواصل فإنك توافق على ذلك. يمكنك التوقف في أي وقت.";
    Talk: "Talk", "Sprechen", "تحدث";
    TalkHint: "Uses your microphone", "Mit Ihrem Mikrofon", "باستخدام الميكروفون";
    Type: "Type", "Schreiben", "اكتب";
    TypeHint: "A text conversation", "Als Textgespräch", "محادثة نصية";
    Contact: "Contact us another way", "Anders Kontakt aufnehmen", "تواصل معنا بطريقة أخرى";
    Starting: "Connecting you…", "Verbindung wird hergestellt …", "جارٍ الاتصال…";
    Waiting: "All lines are busy. You are number {} in the queue.",
        "Alle Leitungen sind belegt. Sie sind Nummer {} in der Warteschlange.",
        "جميع الخطوط مشغولة. رقمك في قائمة الانتظار {}.";
    Leave: "Leave the queue", "Warteschlange verlassen", "مغادرة قائمة الانتظار";
    Resuming: "Picking up where we left off…", "Wir machen weiter, wo wir waren …", "نتابع من حيث توقفنا…";
    Microphone: "Please allow the microphone", "Bitte erlauben Sie das Mikrofon", "يرجى السماح باستخدام الميكروفون";
    Minimise: "Minimise", "Verkleinern", "تصغير";
    Close: "Close", "Schließen", "إغلاق";
    HangUp: "End conversation", "Gespräch beenden", "إنهاء المحادثة";
    SoundOn: "Read answers aloud", "Antworten vorlesen", "قراءة الردود بصوت عالٍ";
    SoundOff: "Stop reading aloud", "Nicht mehr vorlesen", "إيقاف القراءة";
    Mute: "Mute microphone", "Mikrofon stumm", "كتم الميكروفون";
    Unmute: "Unmute microphone", "Mikrofon an", "إلغاء كتم الميكروفون";
    Message: "Your message", "Ihre Nachricht", "رسالتك";
    Placeholder: "Write a message…", "Nachricht schreiben …", "اكتب رسالة…";
    Send: "Send", "Senden", "إرسال";
    Conversation: "Conversation", "Gespräch", "المحادثة";
    Suggestions: "Suggested replies", "Vorschläge", "ردود مقترحة";
    You: "You", "Sie", "أنت";
    Agent: "Assistant", "Assistent", "المساعد";
    Sending: "Sending…", "Wird gesendet …", "جارٍ الإرسال…";
    Retry: "Try again", "Erneut versuchen", "حاول مرة أخرى";
    Again: "New conversation", "Neues Gespräch", "محادثة جديدة";
    Ended: "The conversation has ended", "Das Gespräch ist beendet", "انتهت المحادثة";
    EndedThanks: "Thank you for getting in touch.", "Danke für Ihre Anfrage.", "شكرًا لتواصلك معنا.";
    EndedFollow: "The status above stays up to date while this page is open.",
        "Der Stand oben bleibt aktuell, solange diese Seite offen ist.",
        "نُحدِّث الحالة أعلاه ما دامت هذه الصفحة مفتوحة.";
    EndedBroken: "The conversation broke off. What was already placed stays placed.",
        "Das Gespräch ist abgebrochen. Was schon aufgegeben wurde, bleibt bestehen.",
        "انقطعت المحادثة. ما تم تقديمه بالفعل يبقى قائمًا.";
    MediaText: "Text chat", "Textgespräch", "محادثة نصية";
    MediaReplying: "Answering…", "Antwortet …", "يكتب…";
    MediaAsking: "Waiting for microphone", "Wartet auf Mikrofon", "بانتظار الميكروفون";
    MediaJoining: "Joining call…", "Anruf startet …", "جارٍ الانضمام…";
    MediaListening: "Listening", "Hört zu", "يستمع";
    MediaThinking: "Thinking…", "Denkt nach …", "يفكر…";
    MediaSpeaking: "Speaking", "Spricht", "يتحدث";
    MediaMuted: "Microphone muted", "Mikrofon stumm", "الميكروفون مكتوم";
    MediaLost: "Voice lost", "Ton unterbrochen", "انقطع الصوت";
    SignalConnecting: "Connecting…", "Verbindet …", "جارٍ الاتصال…";
    SignalOpen: "Connected", "Verbunden", "متصل";
    SignalWaiting: "Reconnecting…", "Verbindet neu …", "إعادة الاتصال…";
    SignalResumed: "Back online", "Wieder verbunden", "عاد الاتصال";
    SignalMoving: "Switching over…", "Wechselt …", "جارٍ التبديل…";
    SignalLost: "Offline", "Offline", "غير متصل";
    OfflineText: "The connection is interrupted. Keep typing: your messages are sent as soon as it is back.",
        "Die Verbindung ist unterbrochen. Schreiben Sie ruhig weiter: Ihre Nachrichten gehen hinaus, sobald sie wieder steht.",
        "انقطع الاتصال. تابع الكتابة: تُرسَل رسائلك فور عودته.";
    OfflineVoice: "You can talk, but this window is not being updated right now.",
        "Sie können sprechen, aber dieses Fenster wird gerade nicht aktualisiert.",
        "يمكنك التحدث، لكن هذه النافذة لا تُحدَّث الآن.";
    LostForNow: "We could not get the connection back.", "Die Verbindung kam nicht zurück.", "لم نتمكن من استعادة الاتصال.";
    Full: "Please wait until your last messages are sent.",
        "Bitte warten Sie, bis Ihre letzten Nachrichten gesendet sind.",
        "يرجى الانتظار حتى تُرسَل رسائلك الأخيرة.";
    QuoteOpen: "Please confirm", "Bitte bestätigen", "يرجى التأكيد";
    QuoteConfirmed: "Confirmed", "Bestätigt", "تم التأكيد";
    QuoteExpired: "Expired", "Abgelaufen", "انتهت الصلاحية";
    Total: "Total", "Summe", "الإجمالي";
    Number: "Number", "Nummer", "الرقم";
    StepReceived: "Received", "Erhalten", "تم الاستلام";
    StepWorking: "In progress", "In Arbeit", "قيد التنفيذ";
    StepReady: "Ready", "Fertig", "جاهز";
    StagePlacing: "Being placed…", "Wird aufgegeben …", "جارٍ التقديم…";
    StageDone: "Done", "Erledigt", "تم";
    StageCancelled: "Cancelled", "Storniert", "أُلغي";
    Minutes: "Ready in about {} min", "Fertig in etwa {} Min.", "جاهز خلال {} دقيقة تقريبًا";
    ToolBusy: "Checking…", "Prüft …", "جارٍ التحقق…";
    ToolFailed: "That did not work.", "Das hat nicht geklappt.", "لم ينجح ذلك.";
    SayYes: "Yes, place it", "Ja, bitte so", "نعم، أكِّد الطلب";
    SayChange: "Change something", "Etwas ändern", "تغيير شيء";
    SayNo: "No, thanks", "Nein, danke", "لا، شكرًا";
    SayMenu: "What is on the menu?", "Was steht auf der Karte?", "ما هي قائمة الطعام؟";
    SayOrderStatus: "Where is my order?", "Wo ist meine Bestellung?", "أين طلبي؟";
    SayServices: "What services do you offer?", "Welche Leistungen gibt es?", "ما الخدمات التي تقدمونها؟";
    SayBook: "I would like an appointment", "Ich möchte einen Termin", "أود حجز موعد";
    SayProblem: "I have a problem", "Ich habe ein Problem", "لدي مشكلة";
    SayTicket: "How is my ticket going?", "Wie steht es um mein Ticket?", "ما حالة تذكرتي؟";
    SayHours: "When are you open?", "Wann haben Sie offen?", "متى تفتحون؟";
    SayMessage: "Please take a message", "Bitte nehmen Sie eine Nachricht auf", "أود ترك رسالة";
    SayThanks: "That is all, thank you", "Das ist alles, danke", "هذا كل شيء، شكرًا";
    FailNetwork: "We cannot reach the service. Please check your connection.",
        "Der Dienst ist nicht erreichbar. Bitte prüfen Sie Ihre Verbindung.",
        "لا يمكننا الوصول إلى الخدمة. يرجى التحقق من اتصالك.";
    FailSite: "The assistant is not available on this page right now.",
        "Der Assistent ist auf dieser Seite gerade nicht verfügbar.",
        "المساعد غير متاح في هذه الصفحة حاليًا.";
    FailBusy: "All lines are busy. Please try again shortly.",
        "Alle Leitungen sind belegt. Bitte versuchen Sie es gleich noch einmal.",
        "جميع الخطوط مشغولة. يرجى المحاولة بعد قليل.";
    FailBudget: "The assistant has used up its time for today.",
        "Der Assistent hat seine Zeit für heute aufgebraucht.",
        "استنفد المساعد وقته المخصص لليوم.";
    FailOften: "That was a lot of tries. Please wait a moment.",
        "Das waren viele Versuche. Bitte warten Sie einen Moment.",
        "محاولات كثيرة. يرجى الانتظار قليلًا.";
    FailVoice: "The assistant cannot take a conversation right now.",
        "Der Assistent kann gerade kein Gespräch annehmen.",
        "لا يستطيع المساعد استقبال محادثة الآن.";
    FailOurs: "Something went wrong on our side.", "Bei uns ist etwas schiefgegangen.", "حدث خطأ من جانبنا.";
    FailGone: "That conversation is over.", "Dieses Gespräch ist vorbei.", "انتهت تلك المحادثة.";
    MicRefused: "The microphone is not allowed, so we go on in text. You can allow it in the address bar.",
        "Das Mikrofon ist nicht erlaubt, wir schreiben also. Sie können es in der Adresszeile erlauben.",
        "الميكروفون غير مسموح به، لذا نتابع كتابةً. يمكنك السماح به من شريط العنوان.";
    MicPolicy: "This website has switched the microphone off, so we go on in text.",
        "Diese Website hat das Mikrofon abgeschaltet, wir schreiben also.",
        "أوقف هذا الموقع الميكروفون، لذا نتابع كتابةً.";
    MicMissing: "No microphone was found, so we go on in text.",
        "Kein Mikrofon gefunden, wir schreiben also.",
        "لم يُعثر على ميكروفون، لذا نتابع كتابةً.";
    VoiceToText: "Voice is not available, so we go on in text.",
        "Sprache ist nicht verfügbar, wir schreiben also.",
        "الصوت غير متاح، لذا نتابع كتابةً.";
    NoticeQueued: "It is on its way; we tell you here as soon as it is placed.",
        "Es ist unterwegs; wir melden uns hier, sobald es aufgegeben ist.",
        "طلبك في الطريق؛ سنخبرك هنا فور تقديمه.";
    NoticeEnding: "This conversation is about to reach its longest duration.",
        "Dieses Gespräch erreicht bald seine Höchstdauer.",
        "توشك هذه المحادثة على بلوغ مدتها القصوى.";
}

impl Text {
    /// The sentence in the language at hand. Copied into each of its many callers it is some 100 bytes more for every
    /// visitor.
    #[inline(never)]
    pub fn within(self, words: Words) -> &'static str {
        words.loaded.get(self as usize).map_or(ENGLISH[self as usize], String::as_str)
    }

    /// The sentence with `number` in the place of its `{}`.
    pub fn with_number(self, words: Words, number: u32) -> String {
        let sentence = self.within(words);
        // A search for a text would link 2 kB of algorithm.
        let gap = sentence.bytes().position(|byte| byte == b'{').unwrap_or(sentence.len());
        let mut whole = String::from(sentence.get(..gap).unwrap_or_default());
        whole.push_str(&decimal(u64::from(number)));
        whole.push_str(sentence.get(gap + 2..).unwrap_or_default());
        whole
    }

    /// The sentence for a notice's code; `None` for a code that this popup does not know.
    pub fn of_notice(code: &str) -> Option<Self> {
        Some(match code {
            "queued" | "command_queued" => Self::NoticeQueued,
            "time_almost_up" => Self::NoticeEnding,
            "voice_unavailable" => Self::FailVoice,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec, vec::Vec};

    use super::{Language, Text, Words};

    #[test]
    fn a_regional_tag_finds_its_language_and_a_foreign_one_gets_english() {
        assert_eq!(Language::from_tag("de-AT"), Language::German);
        assert_eq!(Language::from_tag("AR_eg"), Language::Arabic);
        assert_eq!(Language::from_tag("fi"), Language::English);
        assert_eq!(Language::from_tag(""), Language::English);
    }

    #[test]
    fn every_sentence_exists_in_every_language_and_is_bounded() {
        for language in Language::ALL {
            assert_eq!(language.sentences().len(), Text::ALL.len());
            for (at, sentence) in language.sentences().iter().enumerate() {
                let text = Text::ALL[at];
                assert!(!sentence.trim().is_empty(), "{text:?} is missing in {}", language.tag());
                assert!(sentence.len() <= 320, "{text:?} is too long for its place");
                let gaps = Language::English.sentences()[at].matches("{}").count();
                assert_eq!(sentence.matches("{}").count(), gaps, "{text:?} differs in its gaps");
            }
        }
    }

    #[test]
    fn a_language_file_that_is_not_complete_gives_english_and_its_direction() {
        let whole: Vec<_> = Language::Arabic.sentences().iter().map(ToString::to_string).collect();
        let arabic = Words::new(Language::Arabic, whole.leak());
        assert_eq!((Text::Send.within(arabic), arabic.direction()), ("إرسال", "rtl"));
        let part = Words::new(Language::Arabic, vec!["x".to_string()].leak());
        assert_eq!((Text::Send.within(part), part.direction()), ("Send", "ltr"));
    }

    #[test]
    fn a_number_takes_the_gap() {
        assert_eq!(Text::Minutes.with_number(Words::default(), 25), "Ready in about 25 min");
    }
}
