//! The generator: draws bursts, keeps them in order of time, and writes them out as records.

use std::collections::VecDeque;

use tidegate_event::Timestamp;

use crate::behaviour::{Ask, Burst};
use crate::cache::{Cache, Key, Prepared};
use crate::config::{Config, ConfigError, Load};
use crate::device::{self, Kind};
use crate::field::Field;
use crate::json;
use crate::office::{OFFICES, hour_of_week};
use crate::plan::{Pieces, Plan, Step};
use crate::question::{Name, Task};
use crate::reply::{NX_DOMAIN, REFUSED, Reply, SERV_FAIL};
use crate::resolve::{AGES, Resolver};
use crate::rng::{Rng, mix};
use crate::scenario::{self, Cycle, Shot};
use crate::schedule::Schedule;
use crate::stamp::{Latency, Stamper, query_id};
use crate::truth::{Totals, Truth};
use crate::world::World;

/// Candidates for a burst that are played to learn how many records one makes.
const REHEARSALS: u32 = 20_000;
const WEEK_MICROS: u64 = 7 * 86_400_000_000;

/// Makes records.
#[derive(Debug)]
pub struct Generator {
    config: Config,
    world: World,
    plan: Plan,
    devices: Vec<Pieces>,
    cache: Cache,
    latency: Latency,
    stamper: Stamper,
    rng: Rng,
    schedule: Schedule,
    /// The slot that is being written, and how far.
    ready: Vec<Task>,
    cursor: usize,
    asks: Vec<Ask>,
    sequence: u32,
    /// Nanoseconds since the start, so that high rates lose nothing to rounding.
    next_burst: u64,
    burst_gap: f64,
    records_per_candidate: f64,
    shots: VecDeque<Shot>,
    next_cycle: u64,
    cycles: u32,
    truth: Truth,
}

impl Generator {
    /// Builds the made-up world of a seed.
    ///
    /// # Errors
    /// [`ConfigError`] when a number is out of range.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        config.check()?;
        let world = World::new(config.seed, config.users, config.devices, config.offices);
        let plan = Plan::new(config.fields);
        let devices = prepare_devices(&world, &plan);
        let truth = Truth {
            seed: config.seed,
            totals: Totals::default(),
            planted: Vec::new(),
            selected: config.scenarios.clone(),
        };
        let mut generator = Self {
            latency: Latency::new(config.seed),
            stamper: Stamper::new(config.time_format),
            rng: Rng::new(mix(config.seed ^ 0x6765_6e65)),
            schedule: Schedule::new(),
            ready: Vec::new(),
            cursor: 0,
            asks: Vec::new(),
            sequence: 0,
            next_burst: 0,
            burst_gap: 1.0,
            records_per_candidate: 1.0,
            shots: VecDeque::new(),
            next_cycle: 0,
            cycles: 0,
            cache: Cache::new(),
            world,
            plan,
            devices,
            truth,
            config,
        };
        generator.rehearse();
        generator.set_rate(generator.config.rate_eps);
        Ok(generator)
    }

    /// What it was built from.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Changes the rate from here on.
    pub fn set_rate(&mut self, rate_eps: f64) {
        self.config.rate_eps = rate_eps.max(0.001);
        self.burst_gap = self.records_per_candidate / self.config.rate_eps * 1e9;
    }

    /// What was planted so far and how many records were written.
    #[must_use]
    pub const fn truth(&self) -> &Truth {
        &self.truth
    }

    /// Appends the records up to and including a moment, at most `records_max`, a line each, in order of time.
    /// Returns how many there were; fewer than `records_max` means that the moment is reached.
    pub fn next_batch(&mut self, until: Timestamp, records_max: usize, out: &mut Vec<u8>) -> usize {
        let until = until.as_micros().saturating_sub(self.config.start.as_micros());
        let Ok(until) = u64::try_from(until) else { return 0 };
        let mut written = 0;
        loop {
            while let Some(task) = self.ready.get(self.cursor) {
                if written == records_max || task.at > until {
                    return written;
                }
                let task = *task;
                self.cursor += 1;
                self.write(task, out);
                written += 1;
            }
            if written == records_max || self.schedule.horizon() > until.saturating_add(crate::schedule::SLOT_MICROS) {
                return written;
            }
            self.advance();
        }
    }

    /// Fills and takes the next slot of the schedule.
    fn advance(&mut self) {
        let horizon = self.schedule.horizon();
        while self.next_burst / 1_000 < horizon {
            let at = self.next_burst / 1_000;
            self.burst(at);
            self.next_burst += (self.rng.exponential() * self.burst_gap) as u64 + 1;
        }
        while self.next_cycle < horizon {
            self.plan_cycle();
        }
        for number in 0.. {
            match self.shots.get(number as usize) {
                Some(shot) if shot.at < horizon => {
                    let (at, attachment, qtype) = (shot.at, shot.attachment, shot.reply.qtype);
                    self.add(at, attachment, Name::Planted(number), qtype);
                }
                _ => break,
            }
        }
        self.schedule.take(&mut self.ready);
        self.cursor = 0;
    }

    fn add(&mut self, at: u64, attachment: u32, name: Name, qtype: u16) {
        self.sequence = self.sequence.wrapping_add(1);
        self.schedule.add(Task { at, sequence: self.sequence, attachment, name, qtype });
    }

    /// A candidate for a burst: a device that talks if it is awake.
    fn burst(&mut self, at: u64) {
        let micros = self.config.start.as_micros() + at as i64;
        let Some(attachment) = self.draw(micros) else { return };
        let mut asks = std::mem::take(&mut self.asks);
        for (after, name, qtype) in asks.drain(..) {
            self.add(at + after, attachment, name, qtype);
        }
        self.asks = asks;
    }

    /// Chooses a device, and if it is awake, where it is and (in `asks`) what it asks for.
    fn draw(&mut self, micros: i64) -> Option<u32> {
        let chosen = self.world.org.talkers.draw(&mut self.rng);
        let device = &self.world.org.devices[chosen];
        let hour = hour_of_week(micros, OFFICES[device.office].offset_minutes);
        let awake = device::activity(device.kind, hour);
        if self.config.load == Load::Diurnal && self.rng.unit() >= awake {
            return None;
        }
        let away = device.enrolled
            && match device.kind {
                // At home in the evening, at weekends, and now and then for a day.
                Kind::Laptop => {
                    !(7.0..20.0).contains(&(hour % 24.0)) || hour >= 120.0 || self.works_from_home(device, micros)
                }
                Kind::Phone => self.rng.per_mille(600),
                _ => false,
            };
        Burst { world: &self.world, device, rng: &mut self.rng, asks: &mut self.asks, now: 0 }.run();
        Some(chosen as u32 * 2 + u32::from(away))
    }

    const fn works_from_home(&self, device: &device::Device, micros: i64) -> bool {
        mix(device.hash ^ (micros / 86_400_000_000) as u64) % 10 < 3
    }

    /// Plays bursts all over a week, to learn how many records a candidate makes on average.
    fn rehearse(&mut self) {
        let live = std::mem::replace(&mut self.rng, Rng::new(mix(self.config.seed ^ 0x7265_6865)));
        let mut asks = 0;
        for _ in 0..REHEARSALS {
            let micros = self.rng.below(WEEK_MICROS) as i64;
            self.draw(micros);
            asks += self.asks.len();
            self.asks.clear();
        }
        self.rng = live;
        self.records_per_candidate = asks.max(1) as f64 / f64::from(REHEARSALS);
    }

    fn plan_cycle(&mut self) {
        let period = self.config.scenario_period.as_micros() as u64;
        let cycle =
            Cycle { number: self.cycles, begins: self.next_cycle, period, origin: self.config.start.as_micros() };
        let mut shots = Vec::new();
        let selected = self.truth.selected.clone();
        scenario::plan(&self.world, &selected, &cycle, &mut shots, &mut self.truth.planted);
        self.shots.extend(shots);
        // What is left of the cycle before may lie behind the first of the new one.
        self.shots.make_contiguous().sort_by_key(|shot| shot.at);
        self.cycles += 1;
        self.next_cycle += period;
    }

    fn write(&mut self, task: Task, out: &mut Vec<u8>) {
        let device = &self.world.org.devices[task.attachment as usize / 2];
        let planted = match task.name {
            // Shots are taken in the order they were queued.
            Name::Planted(_) => self.shots.pop_front(),
            _ => None,
        };
        let totals = &mut self.truth.totals;
        let prepared = if let Some(shot) = planted {
            totals.planted += 1;
            self.truth.planted[shot.planted as usize].written += 1;
            let slot = self.cache.slot(Key { name: task.name, qtype: task.qtype, age: 0, group: 0 });
            prepare(&self.world, &self.plan, &shot.reply, slot);
            slot
        } else {
            let resolver = Resolver(&self.world);
            let age = age(task.name, &mut self.rng);
            let key = Key { name: task.name, qtype: task.qtype, age, group: resolver.group(task.name, device.group) };
            let slot = self.cache.slot(key);
            if !slot.is(key) {
                let reply = resolver.reply(key.name, key.qtype, key.age, key.group);
                prepare(&self.world, &self.plan, &reply, slot);
                slot.becomes(key);
            }
            totals.background_threats_blocked += u64::from(slot.threat);
            slot
        };
        totals.records += 1;
        totals.nxdomain += u64::from(prepared.rcode == NX_DOMAIN);
        totals.failed += u64::from(matches!(prepared.rcode, SERV_FAIL | REFUSED));
        totals.blocked += u64::from(prepared.blocked);
        let query = Query {
            micros: self.config.start.as_micros() + task.at as i64,
            size: u64::from(prepared.name_bytes + device.overhead) - 2,
            // The resolver sees no port of a client that comes through HTTPS.
            port: match self.world.org.attachments[task.attachment as usize].port {
                443 => 0,
                _ => self.rng.between(1_024, 65_535),
            },
            milliseconds: self.latency.draw(prepared.cached, &mut self.rng),
            id: (self.rng.next(), self.rng.next()),
        };
        let device = &self.devices[task.attachment as usize];
        assemble(&self.plan, device, &prepared.pieces, &query, &mut self.stamper, out);
    }
}

/// Puts a record together.
fn assemble(plan: &Plan, device: &Pieces, reply: &Pieces, query: &Query, stamper: &mut Stamper, out: &mut Vec<u8>) {
    let (mut device, mut reply) = (Cursor(device, 0, 0), Cursor(reply, 0, 0));
    for (step, key) in plan.steps.iter().zip(&plan.keys) {
        match step {
            Step::Device => device.copy(out),
            Step::Reply => reply.copy(out),
            Step::Query(field) => {
                out.extend_from_slice(key);
                match field {
                    Field::Datetime => stamper.write(out, query.micros),
                    Field::QueryID => query_id(out, query.id),
                    Field::QuerySize => json::number(out, query.size),
                    Field::ResponseTimeMs => json::number(out, query.milliseconds),
                    _ => json::number(out, query.port),
                }
            }
        }
    }
    out.extend_from_slice(b"}\n");
}

/// What only this query knows.
struct Query {
    micros: i64,
    size: u64,
    port: u64,
    milliseconds: u64,
    id: (u64, u64),
}

/// Copies one prepared piece after the other.
struct Cursor<'a>(&'a Pieces, usize, usize);

impl Cursor<'_> {
    fn copy(&mut self, out: &mut Vec<u8>) {
        let Self(pieces, piece, from) = self;
        let to = pieces.ends[*piece] as usize;
        out.extend_from_slice(&pieces.text[*from..to]);
        *piece += 1;
        *from = to;
    }
}

/// How old the answer is in the resolver's cache: popular names are nearly always there.
const fn age(name: Name, rng: &mut Rng) -> u8 {
    let kept = match name {
        Name::Host(_) => 820,
        Name::Tail { .. } => 250,
        Name::Domain(_) | Name::MailPolicy(..) | Name::Long { .. } => 350,
        Name::Reverse4(_) | Name::Reverse6(_) | Name::Listed { .. } => 150,
        _ => 0,
    };
    if rng.per_mille(kept) { 1 + rng.below(AGES as u64 - 1) as u8 } else { 0 }
}

fn prepare(world: &World, plan: &Plan, reply: &Reply, into: &mut Prepared) {
    plan.reply_pieces(&mut into.pieces, |out, field| reply.write_field(out, field, &world.desk));
    into.name_bytes = if reply.name.is_empty() { 1 } else { reply.name.len() as u16 + 2 };
    into.rcode = reply.rcode;
    into.cached = reply.cached;
    into.blocked = reply.verdict.blocks();
    into.threat = into.blocked && reply.verdict.matched.iter().any(|id| world.desk.categories.is_threat(*id));
}

fn prepare_devices(world: &World, plan: &Plan) -> Vec<Pieces> {
    let org = &world.org;
    org.attachments
        .iter()
        .enumerate()
        .map(|(at, attachment)| {
            let device = &org.devices[at / 2];
            let (email, user) = org.user(device);
            let mut pieces = Pieces::default();
            plan.device_pieces(&mut pieces, |out, field| {
                device::write_field(out, field, &org.account, email, user, device, attachment);
            });
            pieces
        })
        .collect()
}
