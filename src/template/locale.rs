//! What `currency` and `date` know of languages: a small table after CLDR 48, not a library.

/// Where a currency's sign stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sign {
    /// `$1.00`
    Before,
    /// `R$ 1.00`, with a no-break space.
    BeforeSpaced,
    /// `1.00 €`, with a no-break space.
    After,
}

#[derive(Debug)]
pub struct Locale {
    pub tag: &'static str,
    pub point: &'static str,
    pub group: &'static str,
    /// Digits before the point from which thousands are grouped.
    pub group_from: usize,
    pub sign: Sign,
    /// Signs that differ from [`SIGNS`].
    signs: &'static [(&'static str, &'static str)],
    months: [&'static str; 12],
    short_months: [&'static str; 12],
    /// From Monday.
    days: [&'static str; 7],
    short_days: [&'static str; 7],
    halves: [&'static str; 2],
}

impl Locale {
    /// By language tag; regions and scripts of a known language are taken as the language itself.
    pub fn find(tag: &str) -> Option<&'static Locale> {
        let language = tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        LOCALES.iter().find(|locale| locale.tag == language)
    }

    pub fn tags() -> Vec<&'static str> {
        LOCALES.iter().map(|locale| locale.tag).collect()
    }

    /// The sign of a currency; without one, its code.
    pub fn sign_of(&self, code: &str) -> Option<&'static str> {
        let find = |table: &[(&str, &'static str)]| table.iter().find(|(known, _)| *known == code).map(|(_, sign)| *sign);
        find(self.signs).or_else(|| find(SIGNS))
    }

    /// The local word for a strftime specifier of a name, `month` from 1, `weekday` from Monday 1.
    pub fn word(&self, specifier: char, month: i8, weekday: i8, hour: i8) -> Option<&'static str> {
        let at = |list: &[&'static str], number: i8| {
            usize::try_from(number).ok().and_then(|n| n.checked_sub(1)).and_then(|index| list.get(index).copied())
        };
        match specifier {
            'A' => at(&self.days, weekday),
            'a' => at(&self.short_days, weekday),
            'B' => at(&self.months, month),
            'b' | 'h' => at(&self.short_months, month),
            'p' => at(&self.halves, if hour < 12 { 1 } else { 2 }),
            _ => None,
        }
    }
}

/// Decimals of a currency after ISO 4217.
pub fn currency_decimals(code: &str) -> usize {
    match code {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND" | "VUV" | "XAF" | "XOF"
        | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

const SIGNS: &[(&str, &str)] = &[
    ("AUD", "A$"),
    ("BRL", "R$"),
    ("CAD", "CA$"),
    ("CNY", "CN¥"),
    ("EUR", "€"),
    ("GBP", "£"),
    ("HKD", "HK$"),
    ("ILS", "₪"),
    ("INR", "₹"),
    ("JPY", "JP¥"),
    ("KRW", "₩"),
    ("MXN", "MX$"),
    ("NZD", "NZ$"),
    ("PHP", "₱"),
    ("TWD", "NT$"),
    ("USD", "US$"),
    ("VND", "₫"),
];

const EN_MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const NUMBERED_ZH: [&str; 12] = ["1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月", "11月", "12月"];
const NUMBERED_KO: [&str; 12] = ["1월", "2월", "3월", "4월", "5월", "6월", "7월", "8월", "9월", "10월", "11월", "12월"];

static LOCALES: &[Locale] = &[
    Locale {
        tag: "en",
        point: ".",
        group: ",",
        group_from: 4,
        sign: Sign::Before,
        signs: &[("USD", "$"), ("JPY", "¥")],
        months: EN_MONTHS,
        short_months: ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
        days: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
        short_days: ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
        halves: ["AM", "PM"],
    },
    Locale {
        tag: "zh",
        point: ".",
        group: ",",
        group_from: 4,
        sign: Sign::Before,
        signs: &[("CNY", "¥"), ("AUD", "AU$"), ("KRW", "￦")],
        months: ["一月", "二月", "三月", "四月", "五月", "六月", "七月", "八月", "九月", "十月", "十一月", "十二月"],
        short_months: NUMBERED_ZH,
        days: ["星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"],
        short_days: ["周一", "周二", "周三", "周四", "周五", "周六", "周日"],
        halves: ["上午", "下午"],
    },
    Locale {
        tag: "ja",
        point: ".",
        group: ",",
        group_from: 4,
        sign: Sign::Before,
        signs: &[("JPY", "￥"), ("CNY", "元"), ("USD", "$")],
        months: NUMBERED_ZH,
        short_months: NUMBERED_ZH,
        days: ["月曜日", "火曜日", "水曜日", "木曜日", "金曜日", "土曜日", "日曜日"],
        short_days: ["月", "火", "水", "木", "金", "土", "日"],
        halves: ["午前", "午後"],
    },
    Locale {
        tag: "ko",
        point: ".",
        group: ",",
        group_from: 4,
        sign: Sign::Before,
        signs: &[("AUD", "AU$")],
        months: NUMBERED_KO,
        short_months: NUMBERED_KO,
        days: ["월요일", "화요일", "수요일", "목요일", "금요일", "토요일", "일요일"],
        short_days: ["월", "화", "수", "목", "금", "토", "일"],
        halves: ["오전", "오후"],
    },
    Locale {
        tag: "de",
        point: ",",
        group: ".",
        group_from: 4,
        sign: Sign::After,
        signs: &[("USD", "$"), ("JPY", "¥"), ("AUD", "AU$")],
        months: [
            "Januar",
            "Februar",
            "März",
            "April",
            "Mai",
            "Juni",
            "Juli",
            "August",
            "September",
            "Oktober",
            "November",
            "Dezember",
        ],
        short_months: ["Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez."],
        days: ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"],
        short_days: ["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"],
        halves: ["AM", "PM"],
    },
    Locale {
        tag: "fr",
        point: ",",
        group: "\u{202f}",
        group_from: 4,
        sign: Sign::After,
        signs: &[("USD", "$US"), ("GBP", "£GB"), ("CAD", "$CA"), ("AUD", "$AU"), ("JPY", "¥")],
        months: [
            "janvier",
            "février",
            "mars",
            "avril",
            "mai",
            "juin",
            "juillet",
            "août",
            "septembre",
            "octobre",
            "novembre",
            "décembre",
        ],
        short_months: ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."],
        days: ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"],
        short_days: ["lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."],
        halves: ["AM", "PM"],
    },
    Locale {
        tag: "es",
        point: ",",
        group: ".",
        group_from: 5,
        sign: Sign::After,
        signs: &[("JPY", "JPY"), ("CNY", "CNY")],
        months: [
            "enero",
            "febrero",
            "marzo",
            "abril",
            "mayo",
            "junio",
            "julio",
            "agosto",
            "septiembre",
            "octubre",
            "noviembre",
            "diciembre",
        ],
        short_months: ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sept", "oct", "nov", "dic"],
        days: ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"],
        short_days: ["lun", "mar", "mié", "jue", "vie", "sáb", "dom"],
        halves: ["a. m.", "p. m."],
    },
    Locale {
        tag: "it",
        point: ",",
        group: ".",
        group_from: 4,
        sign: Sign::After,
        signs: &[("USD", "USD"), ("JPY", "JPY")],
        months: [
            "gennaio",
            "febbraio",
            "marzo",
            "aprile",
            "maggio",
            "giugno",
            "luglio",
            "agosto",
            "settembre",
            "ottobre",
            "novembre",
            "dicembre",
        ],
        short_months: ["gen", "feb", "mar", "apr", "mag", "giu", "lug", "ago", "set", "ott", "nov", "dic"],
        days: ["lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica"],
        short_days: ["lun", "mar", "mer", "gio", "ven", "sab", "dom"],
        halves: ["AM", "PM"],
    },
    Locale {
        tag: "pt",
        point: ",",
        group: ".",
        group_from: 4,
        sign: Sign::BeforeSpaced,
        signs: &[("AUD", "AU$")],
        months: [
            "janeiro",
            "fevereiro",
            "março",
            "abril",
            "maio",
            "junho",
            "julho",
            "agosto",
            "setembro",
            "outubro",
            "novembro",
            "dezembro",
        ],
        short_months: ["jan.", "fev.", "mar.", "abr.", "mai.", "jun.", "jul.", "ago.", "set.", "out.", "nov.", "dez."],
        days: ["segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo"],
        short_days: ["seg.", "ter.", "qua.", "qui.", "sex.", "sáb.", "dom."],
        halves: ["AM", "PM"],
    },
    Locale {
        tag: "nl",
        point: ",",
        group: ".",
        group_from: 4,
        sign: Sign::BeforeSpaced,
        signs: &[("CAD", "C$"), ("AUD", "AU$")],
        months: [
            "januari",
            "februari",
            "maart",
            "april",
            "mei",
            "juni",
            "juli",
            "augustus",
            "september",
            "oktober",
            "november",
            "december",
        ],
        short_months: ["jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec"],
        days: ["maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag"],
        short_days: ["ma", "di", "wo", "do", "vr", "za", "zo"],
        halves: ["a.m.", "p.m."],
    },
    Locale {
        tag: "ru",
        point: ",",
        group: "\u{a0}",
        group_from: 4,
        sign: Sign::After,
        signs: &[("RUB", "₽"), ("USD", "$"), ("UAH", "₴"), ("JPY", "¥")],
        // As in a date: the genitive.
        months: [
            "января",
            "февраля",
            "марта",
            "апреля",
            "мая",
            "июня",
            "июля",
            "августа",
            "сентября",
            "октября",
            "ноября",
            "декабря",
        ],
        short_months: ["янв.", "февр.", "мар.", "апр.", "мая", "июн.", "июл.", "авг.", "сент.", "окт.", "нояб.", "дек."],
        days: ["понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье"],
        short_days: ["пн", "вт", "ср", "чт", "пт", "сб", "вс"],
        halves: ["AM", "PM"],
    },
];
