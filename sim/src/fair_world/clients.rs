//! Who sends what to whom, and when.

use super::random::Random;
use super::rules::{Envelope, Number};

/// How clients send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clients {
    /// Everything to everybody, as fast as each link is.
    Plain,
    /// To each member other transactions than to the rest.
    Disjoint,
    /// Blocks of transactions, which each member gets shifted by its own number.
    Shifted,
    /// Triples that thirds of the members get as abc, bca and cab.
    Condorcet,
    /// Each transaction to some members only.
    Some,
    /// The nonces of a sender out of order.
    OutOfOrder,
    /// To each member its own variant of one nonce.
    Variants,
    /// All of these, changing.
    Mixed,
}

impl Clients {
    /// Every way of sending.
    pub const ALL: [Self; 8] = [
        Self::Plain,
        Self::Disjoint,
        Self::Shifted,
        Self::Condorcet,
        Self::Some,
        Self::OutOfOrder,
        Self::Variants,
        Self::Mixed,
    ];
}

/// One transaction on its way to one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sending {
    /// To whom.
    pub member: u32,
    /// What.
    pub number: Number,
    /// Whether it arrives at an exact tick, as from a client that times its links.
    pub timed: Option<u64>,
}

/// The clients of a world: their accounts, and what they think of next.
#[derive(Clone, Debug)]
pub struct Crowd {
    clients: Clients,
    /// The next nonce of each sender.
    nonces: Vec<u64>,
    rollups: u32,
    expiry_ns: u64,
}

impl Crowd {
    /// Clients of `rollups` rollups whose transactions never expire while the world lasts.
    #[must_use]
    pub const fn new(clients: Clients, rollups: u32) -> Self {
        Self {
            clients,
            nonces: Vec::new(),
            rollups,
            expiry_ns: u64::MAX / 2,
        }
    }

    /// Makes up what is sent in one burst; the book grows by it.
    pub fn send(&mut self, book: &mut Vec<Envelope>, n: u32, random: &mut Random) -> Vec<Sending> {
        let mixed = [
            Clients::Plain,
            Clients::Disjoint,
            Clients::Shifted,
            Clients::Condorcet,
            Clients::Some,
            Clients::OutOfOrder,
            Clients::Variants,
        ];
        let clients = if self.clients == Clients::Mixed {
            random.pick(&mixed)
        } else {
            self.clients
        };
        match clients {
            Clients::Plain | Clients::Mixed => {
                let number = self.next(book, random);
                everybody(n).map(|member| sending(member, number)).collect()
            }
            Clients::Disjoint => {
                let one = |member| sending(member, self.next(book, random));
                everybody(n).map(one).collect()
            }
            Clients::Shifted => {
                let block = 2 + random.below(u64::from(n));
                self.timed(book, n, random, block, |member, at| {
                    (at + block - u64::from(member) % block) % block
                })
            }
            Clients::Condorcet => self.timed(book, n, random, 3, |member, at| {
                (at + 3 - u64::from(member) % 3) % 3
            }),
            Clients::Some => {
                let number = self.next(book, random);
                let percent = random.pick(&[20, 50, 80]);
                let first = random.below(u64::from(n)) as u32;
                let chosen =
                    everybody(n).filter(|member| *member == first || random.chance(percent));
                chosen.map(|member| sending(member, number)).collect()
            }
            Clients::OutOfOrder => {
                let sender = self.sender(random, 3);
                let count = 2 + random.below(2);
                let numbers: Vec<Number> = (0..count).map(|_| self.write(sender, book)).collect();
                let of_one = |member| {
                    let mut own = numbers.clone();
                    random.shuffle(&mut own);
                    own.into_iter()
                        .map(move |number| sending(member, number))
                        .collect::<Vec<_>>()
                };
                everybody(n).flat_map(of_one).collect()
            }
            Clients::Variants => {
                let sender = self.sender(random, 3);
                let first = self.write(sender, book);
                let copies = 2 + random.below(u64::from(n)) as u32;
                for _ in 1..copies {
                    book.push(book[first as usize]);
                }
                everybody(n)
                    .map(|member| sending(member, first + member % copies))
                    .collect()
            }
        }
    }

    /// A block whose transactions reach each member in an order of the client's choice.
    fn timed(
        &mut self,
        book: &mut Vec<Envelope>,
        n: u32,
        random: &mut Random,
        block: u64,
        place: impl Fn(u32, u64) -> u64,
    ) -> Vec<Sending> {
        let numbers: Vec<Number> = (0..block).map(|_| self.fresh(book)).collect();
        let start = 1 + random.below(4);
        let of_one = |member| {
            let one = |(at, number): (u64, &Number)| Sending {
                member,
                number: *number,
                timed: Some(start + place(member, at)),
            };
            (0..).zip(&numbers).map(one).collect::<Vec<_>>()
        };
        everybody(n).flat_map(of_one).collect()
    }

    /// The next transaction of a new sender or of one that has sent before.
    fn next(&mut self, book: &mut Vec<Envelope>, random: &mut Random) -> Number {
        let sender = self.sender(random, 12);
        self.write(sender, book)
    }

    /// The first transaction of a new sender.
    fn fresh(&mut self, book: &mut Vec<Envelope>) -> Number {
        self.nonces.push(0);
        let sender = self.nonces.len() as u32 - 1;
        self.write(sender, book)
    }

    fn sender(&mut self, random: &mut Random, recent: u64) -> u32 {
        let count = self.nonces.len() as u64;
        if count == 0 || random.chance(40) {
            self.nonces.push(0);
            return count as u32;
        }
        (count - 1 - random.below(recent.min(count))) as u32
    }

    fn write(&mut self, sender: u32, book: &mut Vec<Envelope>) -> Number {
        let nonce = self.nonces[sender as usize];
        self.nonces[sender as usize] += 1;
        book.push(Envelope {
            rollup: sender % self.rollups,
            sender,
            nonce,
            gas: 100,
            body_bytes: 200,
            expiry_ns: self.expiry_ns,
        });
        book.len() as Number - 1
    }
}

fn everybody(n: u32) -> core::ops::Range<u32> {
    0..n
}

const fn sending(member: u32, number: Number) -> Sending {
    Sending {
        member,
        number,
        timed: None,
    }
}
