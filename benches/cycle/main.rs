//! What a probe costs: our whole probe against the bare connection, in one run and on the same targets.
//!
//! ```text
//! cargo bench                                   client CPU per probe as ratios against two floors   (`ratios`)
//! cargo bench --bench cycle -- instructions     user instructions per HTTP probe, by callgrind      (`callgrind`)
//! cargo bench --bench cycle -- memory [N] [https]   what `probe run` takes with N profiles          (`memory`)
//! cargo bench --bench cycle -- flight [N]       what a probe in flight and unanswered takes         (`memory`)
//! cargo bench --bench cycle -- first [N]        from the start of `probe run` to its first probe    (`memory`)
//! cargo bench --bench cycle -- page [N]         what a page of the status page takes with N profiles (`memory`)
//! cargo bench --bench cycle -- lag              punctuality with and without black holes            (`lag`)
//! cargo bench --bench cycle -- year             a replay of a recorded year, and `--suggest`          (`year`)
//! cargo bench --bench cycle -- rate             CPU share at 100,000 HTTPS profiles a minute        (`lag`)
//! ```
//!
//! The server is this program again, in a process of its own that ends with this one; what measures is a third process,
//! started with the test's root as the machine's trust store. Loopback only. What was found is in `RESULTS.md`.
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads clocks, starts processes and makes its own files"
)]
#![expect(clippy::print_stdout, reason = "a benchmark answers here")]

mod callgrind;
mod floor;
mod lag;
mod memory;
mod pki;
mod ratios;
mod server;
mod whole;
mod world;
mod year;

use std::process::ExitCode;

fn main() -> ExitCode {
    // Cargo adds `--bench`.
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<usize>().expect("a number");
    let met = match args.as_slice() {
        [] | ["ratios"] => world::World::begin().measure(&["measure", "ratios"]),
        ["instructions"] => callgrind::check(),
        ["memory", rest @ ..] => {
            let profiles = rest.first().map_or(10_000, |text| number(text));
            memory::at_rest(profiles, rest.get(1).copied().unwrap_or("http"))
        }
        ["flight", rest @ ..] => memory::in_flight(rest.first().map_or(2_000, |text| number(text))),
        ["first", rest @ ..] => memory::first_probe(rest.first().map_or(100, |text| number(text))),
        ["page", rest @ ..] => memory::page(rest.first().map_or(10_000, |text| number(text))),
        ["lag"] => world::World::begin().measure(&["measure", "lag"]),
        ["year"] => year::measure(),
        ["rate"] => world::World::begin().measure(&["measure", "rate"]),
        // What follows is started by this program itself.
        ["serve", dir] => server::serve(dir.as_ref()),
        ["measure", "ratios", dir] => ratios::measure(dir.as_ref()),
        ["measure", "lag", dir] => lag::measure(dir.as_ref()),
        ["measure", "rate", dir] => lag::rate(dir.as_ref()),
        ["rounds", rounds, dir] => callgrind::rounds(number(rounds), false, dir.as_ref()),
        ["idle-rounds", rounds, dir] => callgrind::rounds(number(rounds), true, dir.as_ref()),
        unknown => panic!("unknown arguments {unknown:?}; see the head of benches/cycle/main.rs"),
    };
    if met {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
