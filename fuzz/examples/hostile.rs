//! Templates of an attacker, one after another: how long each takes and how much memory the process ever had. Not a test: the
//! figures are for people. `ONLY=svg cargo run --release --example hostile` (in fuzz/) runs those whose names hold a word.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]
use affiche::asset::{Asset, Assets, Shown, Source};
use affiche::ctx::{Budget, Ctx, Simd};
use affiche::draw::{Studio, draw};
use affiche::encode::{Compression, Format, Output};
use affiche::limits::Limits;
use affiche::memo::Memo;
use affiche::poster::Poster;
use affiche::template::Supplied;
use affiche::text::Fonts;
use serde_json::{Map, Value, json};
use std::num::NonZeroUsize;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

fn rss() -> u64 {
    let s = std::fs::read_to_string("/proc/self/status").unwrap();
    s.lines().find(|l| l.starts_with("VmHWM")).unwrap().split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

fn one(t: &Value, scale: f64) -> String {
    let fonts = Fonts::bundled();
    let none = Map::new();
    let vars = match t.get("_variables") {
        Some(Value::Object(m)) => m.clone(),
        _ => none.clone(),
    };
    let mut t = t.clone();
    t.as_object_mut().unwrap().shift_remove("_variables");
    let s = Supplied { variables: &vars, overrides: &none, canvas: &none };
    let limits = Limits::default();
    let t0 = Instant::now();
    let p = match Poster::read_inline(&t, &s, &limits) {
        Ok(p) => p,
        Err(e) => return format!("merge err {:?} {}", t0.elapsed(), e.to_string().chars().take(100).collect::<String>()),
    };
    let t1 = t0.elapsed();
    let assets = Assets::new(
        p.layers
            .iter()
            .map(|l| match l.sources() {
                Some((Source::Data(b), _)) => Asset::new(b.clone(), &limits)
                    .map_or(Shown::Hidden, |a| Shown::Picture { asset: Arc::new(a), from: "inline" }),
                _ => Shown::Nothing,
            })
            .collect(),
    );
    let start = Instant::now();
    let gone = move || start.elapsed() > Duration::from_secs(10);
    let budget = Budget::new(limits.max_request_pixels);
    let ctx = Ctx { cancelled: &gone, budget: &budget, threads: NonZeroUsize::MIN, simd: Simd::Detect };
    let memo = Memo::off();
    let st = Studio { fonts: &fonts, memo: &memo, ctx: &ctx, limits: &limits };
    let r = draw(&p, &assets, scale, &Output { format: Format::Png, quality: 80, compression: Compression::Fast, dpi: 72 }, &st);
    let t2 = t0.elapsed();
    match r {
        Ok(d) => {
            format!("ok merge {t1:?} total {t2:?} {:?}", d.timing.iter().map(|(n, v)| format!("{n} {v:.0}")).collect::<Vec<_>>())
        }
        Err(e) => format!("err merge {t1:?} total {t2:?} {}", format!("{e:?}").chars().take(160).collect::<String>()),
    }
}

fn text(s: String, more: Value) -> Value {
    let mut l = json!({"type":"text","text":s,"x":0,"y":0,"width":400,"size":16});
    for (k, v) in more.as_object().unwrap() {
        l[k] = v.clone();
        if v == "DEL" {
            l.as_object_mut().unwrap().shift_remove(k);
        }
    }
    json!({"width":400,"height":300,"layers":[l]})
}

fn main() {
    let mb = 1 << 20;
    let rep = |s: &str| s.repeat(mb / s.len());
    let mut cases: Vec<(String, Value, f64)> = Vec::new();
    let strings: Vec<(&str, String)> = vec![
        ("a", rep("a")),
        ("space", rep(" ")),
        ("words", rep("word ")),
        ("newlines", rep("\n")),
        ("a\\n", rep("a\n")),
        ("crlf", rep("\r\n")),
        ("tab", rep("\t")),
        ("combining", format!("a{}", rep("\u{301}"))),
        ("combining2", rep("e\u{301}\u{323}")),
        ("nul", rep("\0")),
        ("rlo", rep("\u{202e}")),
        ("rli", rep("\u{2067}")),
        ("rli a", rep("\u{2067}a")),
        ("pdi", rep("\u{2069}")),
        ("fsi", rep("\u{2068}")),
        ("fsi2", rep("\u{2068}a\u{2069}")),
        ("brackets", rep("(")),
        ("brackets2", rep("(א")),
        ("brackets3", format!("{}{}", "(".repeat(mb / 2), ")".repeat(mb / 2))),
        ("a alef", rep("aא")),
        ("latin han", rep("a漢")),
        ("han", rep("漢")),
        ("hanpunct", rep("。「")),
        ("quotes", rep("“")),
        ("zwj", rep("\u{200d}")),
        ("emojizwj", rep("👨\u{200d}")),
        ("flags", rep("🇩")),
        ("emoji", rep("👍🏽")),
        ("thai", rep("ก")),
        ("thai2", rep("กำ")),
        ("khmer", rep("្ក")),
        ("myanmar", rep("မြန်")),
        ("indic", rep("क्")),
        ("indic2", rep("क्षि")),
        ("jamo", rep("\u{1100}")),
        ("arabic", rep("مر")),
        ("tatweel", rep("ـ")),
        ("lamalef", rep("لا")),
        ("shy", rep("a\u{ad}")),
        ("shy only", rep("\u{ad}")),
        ("vs", rep("\u{fe0f}")),
        ("pua", rep("\u{e000}")),
        ("missing", rep("\u{10fffd}")),
        ("manymissing", (0xf0000u32..0xf0000 + 60000).chain(0x20000..0x2a000).filter_map(char::from_u32).collect()),
        ("allchars", (1u32..0x40000).filter_map(char::from_u32).take(mb / 4).collect()),
        ("fi", rep("fi")),
        ("slash", rep("/")),
        ("hyphen", rep("-")),
        ("url", rep("http://a.b/c?d&e=")),
        ("digits", rep("1,2.3%")),
        ("wj", rep("a\u{2060}")),
        ("nbsp", rep("a\u{a0}")),
        ("ls", rep("\u{2028}")),
        ("kana voiced", rep("か\u{3099}")),
        ("fdfd", rep("\u{fdfd}")),
        ("lineseps", rep("\u{85}a")),
        ("tags", format!("🏴{}", rep("\u{e0062}"))),
        ("keycap", rep("1\u{fe0f}\u{20e3}")),
        ("bidi mix", rep("א1 a(2) ")),
        ("hebrew", rep("שלום ")),
        ("cgj", rep("\u{34f}")),
    ];
    for (n, s) in &strings {
        cases.push((format!("text {n}"), text(s.clone(), json!({})), 1.0));
    }
    for n in ["a", "words", "combining", "han", "a alef", "arabic", "indic", "rli a", "brackets2", "shy", "emoji"] {
        let s = &strings.iter().find(|x| x.0 == n).unwrap().1;
        for (m, o) in [
            ("balance", json!({"wrap":"balance","max_lines":10000})),
            ("ellipsis", json!({"overflow":"ellipsis","max_lines":3})),
            ("nowrap ellipsis", json!({"wrap":"none","overflow":"ellipsis"})),
            ("ellipsis height", json!({"overflow":"ellipsis","height":100})),
            ("nowidth", json!({"width":"DEL"})),
            ("justify", json!({"align":"justify"})),
            ("thin", json!({"width":1})),
            ("break_all", json!({"word_break":"break_all","width":3})),
            ("spaced", json!({"letter_spacing":5,"width":9})),
        ] {
            cases.push((format!("text {n} {m}"), text(s.clone(), o), 1.0));
        }
    }
    let huge = |o: Value| {
        let mut t = text("Ågj漢👍".into(), json!({"size":4096,"width":"DEL"}));
        for (k, v) in o.as_object().unwrap() {
            t["layers"][0][k] = v.clone();
        }
        t
    };
    cases.push(("big glyphs".into(), huge(json!({})), 4.0));
    cases.push(("big glyphs rot".into(), huge(json!({"rotate":33})), 4.0));
    cases.push((
        "big glyphs many".into(),
        {
            let mut t = huge(json!({"text":"漢👍g".repeat(3000)}));
            t["width"] = 8000.into();
            t["height"] = 4800.into();
            t
        },
        1.0,
    ));
    let big = |layers: Vec<Value>, w: u32, h: u32| json!({"width":w,"height":h,"layers":layers});
    let stops: Vec<Value> =
        (0..256).map(|i| json!({"at": if i % 2 == 0 { -100.0 + f64::from(i) } else { 100.0 }, "color": "#f00"})).collect();
    for kind in ["linear", "radial", "conic"] {
        let fill = json!({"type":kind,"stops":stops.clone()});
        cases.push((
            format!("grad {kind}"),
            big(vec![json!({"type":"rect","x":0,"y":0,"width":"100%","height":"100%","fill":fill})], 2000, 1220),
            4.0,
        ));
        cases.push((format!("grad {kind} rot radius"), big(vec![json!({"type":"rect","x":-100000,"y":-100000,"width":100000,"height":100000,"right":-99999,"radius":100000,"rotate":12345.6,"fill":fill})], 2000, 1220), 4.0));
        cases.push((format!("grad {kind} x1000"), big((0..1000).map(|_| json!({"type":"rect","x":-3,"y":-3,"width":"110%","height":"110%","radius":50,"rotate":1,"fill":fill})).collect(), 200, 200), 1.0));
    }
    cases.push(("rects 1000 full".into(), big((0..1000).map(|_| json!({"type":"rect","x":0.3,"y":0.3,"width":"99%","height":"99%","opacity":0.5,"fill":"#12345678","border":{"width":3,"color":"red"}})).collect(), 2000, 2000), 1.0));
    cases.push(("rects 1000 ellipse 40MP".into(), big((0..1000).map(|_| json!({"type":"rect","x":0.3,"y":0.3,"width":"99%","height":"99%","radius":9999,"opacity":0.5,"fill":"#12345678"})).collect(), 8000, 5000), 1.0));
    cases.push(("far rects".into(), big((0..100).map(|i| json!({"type":"rect","x":-100000,"y":-100000,"width":100000,"height":100000,"radius":100000,"rotate":i,"fill":"red","border":{"width":100000,"color":"blue"}})).collect(), 2000, 2000), 4.0));
    cases.push((
        "qr 1000".into(),
        big(
            (0..1000).map(|i| json!({"type":"qr","x":0,"y":0,"size":400,"data":format!("{i}{}", "x".repeat(2200))})).collect(),
            400,
            400,
        ),
        1.0,
    ));
    cases.push(("qr big".into(), big(vec![json!({"type":"qr","x":0,"y":0,"size":100000,"data":"x"})], 2000, 1200), 4.0));
    cases.push((
        "text layers 1000x1000".into(),
        big(
            (0..1000)
                .map(|i| json!({"type":"text","x":0,"y":0,"width":300,"text":format!("{i} {}", "Wort 漢字 ".repeat(300))}))
                .collect(),
            300,
            300,
        ),
        1.0,
    ));
    cases.push((
        "text gradient rot".into(),
        text(
            "漢字Ågj ".repeat(3000),
            json!({"rotate":30,"color":{"type":"conic","stops":stops.clone()},"opacity":0.5,"width":2000}),
        ),
        4.0,
    ));
    cases.push((
        "text colour glyphs rot".into(),
        {
            let mut t = text(
                (0x1f300..0x1f600u32).filter_map(char::from_u32).collect::<String>(),
                json!({"rotate":30,"size":200,"width":8000}),
            );
            t["width"] = 2000.into();
            t["height"] = 1200.into();
            t
        },
        4.0,
    ));
    let nest = (0..120).fold(json!(1), |v, _| json!([v]));
    cases.push((
        "nested default".into(),
        json!({"width":10,"height":10,"variables":{"a":{"default":nest}},"layers":[{"type":"text","text":"{{ a }}"}]}),
        1.0,
    ));
    for (n, e) in [
        ("pow", "{{ 2 ** 100000 }}"),
        ("repeat str", "{{ 'x' * 100000000 }}"),
        ("range", "{{ range(100000000) | list | length }}"),
        ("join", "{{ range(10000) | join('xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx') }}"),
        ("listmul", "{{ [1] * 1000000000 }}"),
        ("sort", "{{ range(100000)|sort|length }}"),
        ("replace", "{{ (a|replace('a',a))|length }}"),
        ("fmt", "{{ '%1000000000d' | format(1) }}"),
        ("indent", "{{ a | indent(100000000) }}"),
        ("center", "{{ a | center(1000000000) }}"),
        ("slice", "{{ range(10000)|batch(1)|list|length }}"),
        ("tojson", "{{ a | tojson(indent=1000000) }}"),
        ("round", "{{ 1.5 | round(1000000000) }}"),
        ("number", "{{ 1e308 | number('de', 1000000) }}"),
        ("split", "{{ a | split('') | length }}"),
        ("idiv", "{{ (-9223372036854775807 - 1) // -1 }}"),
        ("mod", "{{ 5 % 0 }}"),
        ("neg", "{{ -(-9223372036854775807-1) }}"),
        ("abs", "{{ (-9223372036854775807-1)|abs }}"),
        ("date", "{{ '9999-12-31T23:59:59Z' | date('%Y') }}"),
        ("date2", "{{ 1e300 | date('%Y') }}"),
        ("date3", "{{ a | date('%Y') }}"),
        ("slice2", "{{ a[::-9223372036854775808] }}"),
        ("slice3", "{{ a[9223372036854775807:] }}"),
        ("trunc", "{{ a | truncate(-1) }}"),
        ("nest", &format!("{{{{ {}1{} }}}}", "(".repeat(1500), ")".repeat(1500))),
        ("nest2", &format!("{{{{ {}1 }}}}", "not ".repeat(900))),
        ("nest3", &format!("{{{{ {}1{} }}}}", "[".repeat(1500), "]".repeat(1500))),
        ("nest4", &format!("{{{{ 1{} }}}}", "+1".repeat(2000))),
        ("nest5", &format!("{{{{ a{} }}}}", ".a".repeat(2000))),
        ("nest6", &format!("{{{{ a{} }}}}", "|e".repeat(2000))),
        ("nest7", &format!("{{{{ {}1 }}}}", "1 if 1 else ".repeat(300))),
        ("neg8", &format!("{{{{ {}1 }}}}", "-".repeat(4000))),
        ("pow9", &format!("{{{{ {}1 }}}}", "1**".repeat(1300))),
    ] {
        cases.push((format!("expr {n}"), json!({"width":10,"height":10,"variables":{"a":{"type":"string"}},"_variables":{"a":"a".repeat(100_000)},"layers":[{"type":"text","text":e}]}), 1.0));
    }
    cases.push(("regex".into(), json!({"width":10,"height":10,"variables":{"a":{"type":"string","pattern":"^(a+)+$"}},"_variables":{"a":format!("{}b","a".repeat(100000))},"layers":[{"type":"text","text":"{{ a }}"}]}), 1.0));
    cases.push(("regex2".into(), json!({"width":10,"height":10,"variables":{"a":{"type":"string","pattern":"(?=(a|b|ab)*c)(a*)*\\1"}},"_variables":{"a":"ab".repeat(50)},"layers":[{"type":"text","text":"{{ a }}"}]}), 1.0));
    cases.push(("regex3".into(), json!({"width":10,"height":10,"variables":{"a":{"type":"string","pattern":"((a{1,100}){1,100}){1,100}"}},"_variables":{"a":"ab".repeat(50)},"layers":[{"type":"text","text":"{{ a }}"}]}), 1.0));
    cases.push(("uniqueItems".into(), json!({"width":10,"height":10,"variables":{"a":{"type":"array","uniqueItems":true}},"_variables":{"a":(0..60000).map(|i| json!([i])).collect::<Vec<_>>()},"layers":[{"type":"text","text":"x"}]}), 1.0));
    cases.push(("repeat text".into(), json!({"width":100,"height":100,"layers":[{"type":"text","repeat":{"each":"range(1000)"},"text":format!("{{{{ loop.index }}}}{}", "漢字 word ".repeat(600)),"width":100}]}), 1.0));
    cases.push((
        "many layers bad".into(),
        json!({"width":100,"height":100,"layers":(0..50000).map(|_| json!({"type":"txt","z":1})).collect::<Vec<_>>()}),
        1.0,
    ));
    cases.push((
        "many fields".into(),
        {
            let m: Map<String, Value> = (0..100000).map(|i| (format!("fieeld{i}"), json!(1))).collect();
            json!({"width":100,"height":100,"layers":[{"type":"rect"}], "defaults": {"rect": m}})
        },
        1.0,
    ));
    cases.push((
        "long field name".into(),
        json!({"width":100,"height":100,"layers":[{"type":"rect", "x".repeat(1<<20): 1}]}),
        1.0,
    ));
    cases.push(("long type".into(), json!({"width":100,"height":100,"layers":[{"type":"x".repeat(1<<20)}]}), 1.0));
    cases.push(("long colour".into(), json!({"width":100,"height":100,"background":"x".repeat(1<<20),"layers":[]}), 1.0));
    cases.push((
        "colour nest".into(),
        json!({"width":100,"height":100,"background":format!("rgb({}", "calc(".repeat(100000)),"layers":[]}),
        1.0,
    ));
    cases.push((
        "fonts".into(),
        text("a".into(), json!({"font":(0..16).map(|i| format!("{i}{}", "x".repeat(60000))).collect::<Vec<_>>()})),
        1.0,
    ));
    cases.push(("lang".into(), text("a".into(), json!({"lang":"x-".repeat(500000)})), 1.0));
    cases.push(("data svg deep".into(), json!({"width":100,"height":100,"layers":[{"type":"image","width":100,"height":100,"src":format!("data:,<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><path d='{}'/></svg>", "M0 0L1e38 -1e38A1 1e30 3 1 0 1e-30 5".repeat(3000))}]}), 1.0));
    cases.push(("svg big dash".into(), json!({"width":4000,"height":4000,"layers":[{"type":"image","width":4000,"height":4000,"src":"data:,<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><path d='M0 0L1e7 1e7' stroke='red' stroke-dasharray='0.0001'/><rect width='1e9' height='1e9' stroke='red' stroke-dasharray='0.001 0.001' stroke-linecap='round'/></svg>"}]}), 1.0));
    cases.push(("svg blur".into(), json!({"width":4000,"height":4000,"layers":[{"type":"image","width":4000,"height":4000,"src":"data:,<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><filter id='f' x='-1000' y='-1000' width='9999' height='9999'><feGaussianBlur stdDeviation='100'/><feTurbulence baseFrequency='5' numOctaves='20'/><feMorphology radius='500'/></filter><rect width='9' height='9' filter='url(%23f)'/></svg>"}]}), 1.0));
    let only = std::env::var("ONLY").unwrap_or_default();
    for (name, t, scale) in cases {
        if !name.contains(&only) {
            continue;
        }
        let (tx, rx) = mpsc::channel();
        let n = name.clone();
        let begin = Instant::now();
        std::thread::Builder::new()
            .stack_size(8 << 20)
            .spawn(move || {
                let r = std::panic::catch_unwind(|| one(&t, scale)).unwrap_or_else(|_| "PANIC".into());
                let _ = tx.send(r);
            })
            .unwrap();
        let r = rx.recv_timeout(Duration::from_secs(20)).unwrap_or_else(|_| "TIMEOUT".into());
        let e = begin.elapsed();
        let flag = if e > Duration::from_millis(1000) || r.contains("PANIC") { "!!!" } else { "" };
        println!("{flag}{n}: {e:?} hwm {} MiB: {r}", rss());
    }
}
