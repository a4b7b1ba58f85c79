// SPDX-License-Identifier: MIT
//! A program of Rust with its ordinary library: threads, panics, files, sockets, time. It says in a guest what it says here.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{mpsc, Arc, Barrier, Condvar, Mutex, Once, RwLock};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

static RUN: AtomicUsize = AtomicUsize::new(0);
static FAILED: AtomicUsize = AtomicUsize::new(0);

fn ok(passed: bool, name: &str) {
    let number = RUN.fetch_add(1, Ordering::Relaxed) + 1;
    println!("{} {} - {}", if passed { "ok" } else { "not ok" }, number, name);
    if !passed {
        FAILED.fetch_add(1, Ordering::Relaxed);
    }
}

fn start() {
    let arguments: Vec<String> = std::env::args().collect();
    ok(arguments.len() == 1 && arguments[0].contains("rust"), "arguments");
    std::env::set_var("SOME_NAME", "value");
    ok(std::env::var("SOME_NAME").as_deref() == Ok("value") && std::env::var("NO_NAME").is_err(), "environment");
    ok(thread::available_parallelism().is_ok(), "processors");
}

static DROPPED: AtomicUsize = AtomicUsize::new(0);
struct Counted;
impl Drop for Counted {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Ordering::Relaxed);
    }
}
thread_local! {
    static LOCAL: RefCell<(u32, Counted)> = RefCell::new((7, Counted));
}

fn threads() {
    let shared = Arc::new(Mutex::new(0));
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let shared = shared.clone();
            thread::spawn(move || {
                for i in 0..100 {
                    let mut value = shared.lock().unwrap();
                    let before = *value;
                    if i % 20 == 0 {
                        thread::yield_now();
                    }
                    *value = before + 1;
                }
            })
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
    ok(*shared.lock().unwrap() == 800, "Mutex");
    let (sender, receiver) = mpsc::channel();
    for i in 0..4 {
        let sender = sender.clone();
        thread::Builder::new().name(format!("worker {}", i)).spawn(move || sender.send(i).unwrap()).unwrap();
    }
    drop(sender);
    ok(receiver.iter().sum::<i32>() == 6, "channels");
    let (_silent, nothing) = mpsc::channel::<()>();
    ok(nothing.recv_timeout(Duration::from_millis(2)).is_err(), "a receive that gives up");
    let (bounded, receiver) = mpsc::sync_channel(0);
    thread::spawn(move || bounded.send("met").unwrap());
    ok(receiver.recv() == Ok("met"), "a channel without room");
    thread::spawn(|| LOCAL.with(|local| local.borrow_mut().0 = 9)).join().unwrap();
    ok(DROPPED.load(Ordering::Relaxed) == 1 && LOCAL.with(|local| local.borrow().0) == 7, "thread_local, dropped at the end");
    let pair = Arc::new((Mutex::new(false), Condvar::new()));
    let other = pair.clone();
    thread::spawn(move || {
        *other.0.lock().unwrap() = true;
        other.1.notify_one();
    });
    let mut ready = pair.0.lock().unwrap();
    while !*ready {
        ready = pair.1.wait(ready).unwrap();
    }
    ok(pair.1.wait_timeout(ready, Duration::from_millis(2)).unwrap().1.timed_out(), "Condvar");
    let lock = RwLock::new(5);
    let two_readers = lock.read().is_ok() && *lock.read().unwrap() == 5;
    ok(two_readers && lock.try_write().is_ok(), "RwLock");
    static ONCE: Once = Once::new();
    let mut calls = 0;
    ONCE.call_once(|| calls += 1);
    ONCE.call_once(|| calls += 1);
    ok(calls == 1, "Once");
    let barrier = Arc::new(Barrier::new(2));
    let other = barrier.clone();
    let leader = thread::spawn(move || other.wait().is_leader());
    ok(barrier.wait().is_leader() != leader.join().unwrap(), "Barrier");
    let mut parts = [1, 2, 3];
    thread::scope(|scope| {
        for part in parts.iter_mut() {
            scope.spawn(move || *part *= 2);
        }
    });
    ok(parts == [2, 4, 6], "scoped threads");
    let parked = thread::spawn(|| thread::park());
    parked.thread().unpark();
    ok(parked.join().is_ok(), "park");
}

fn panics() {
    panic::set_hook(Box::new(|_| {}));
    let before = DROPPED.load(Ordering::Relaxed);
    let caught = panic::catch_unwind(|| {
        let _dropped = Counted;
        panic!("thrown {}", 1);
    });
    let text = caught.unwrap_err().downcast_ref::<String>().cloned();
    ok(text.as_deref() == Some("thrown 1"), "a panic is caught");
    ok(DROPPED.load(Ordering::Relaxed) == before + 1, "and drops what it passes");
    ok(thread::spawn(|| panic!("in a thread")).join().is_err(), "a panic ends its thread");
    let poisoned = Arc::new(Mutex::new(()));
    let other = poisoned.clone();
    let _ = thread::spawn(move || {
        let _held = other.lock().unwrap();
        panic!("while it is held");
    })
    .join();
    ok(poisoned.lock().is_err(), "and poisons its locks");
    let numbers = [1, 2, 3];
    let index = numbers.len() + RUN.load(Ordering::Relaxed);
    ok(panic::catch_unwind(|| numbers[index]).is_err(), "an index out of bounds");
    let _ = panic::take_hook();
}

fn files() -> std::io::Result<()> {
    let folder = std::env::temp_dir().join("ukvm-rust-test");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.join("inner"))?;
    std::fs::write(folder.join("file"), "one\ntwo\nthree\n")?;
    ok(std::fs::read_to_string(folder.join("file"))?.lines().count() == 3, "write and read");
    let mut file = std::fs::OpenOptions::new().read(true).append(true).open(folder.join("file"))?;
    file.write_all(b"four")?;
    file.seek(SeekFrom::Start(4))?;
    let lines: Vec<String> = BufReader::new(&file).lines().collect::<Result<_, _>>()?;
    ok(lines == ["two", "three", "four"], "append, seek, lines");
    file.sync_all()?;
    ok(file.metadata()?.len() == 18 && file.metadata()?.modified()? <= SystemTime::now(), "metadata");
    std::fs::rename(folder.join("file"), folder.join("inner/moved"))?;
    ok(std::fs::copy(folder.join("inner/moved"), folder.join("copied"))? == 18, "rename, copy");
    std::os::unix::fs::symlink("copied", folder.join("link"))?;
    ok(std::fs::canonicalize(folder.join("link"))?.ends_with("copied"), "symlink, canonicalize");
    let mut names: Vec<_> = std::fs::read_dir(&folder)?.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    ok(names == ["copied", "inner", "link"], "read_dir");
    ok(std::fs::File::open(folder.join("none")).unwrap_err().kind() == ErrorKind::NotFound, "what is not there");
    std::fs::remove_dir_all(&folder)?;
    ok(!folder.exists(), "remove_dir_all");
    Ok(())
}

fn sockets() -> std::io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let server = thread::spawn(move || -> std::io::Result<usize> {
        let (mut connection, _) = listener.accept()?;
        let mut text = String::new();
        connection.read_to_string(&mut text)?;
        connection.write_all(text.to_uppercase().as_bytes())?;
        Ok(text.len())
    });
    let mut client = TcpStream::connect(address)?;
    client.set_nodelay(true)?;
    client.write_all("shout ".repeat(10000).as_bytes())?;
    client.shutdown(std::net::Shutdown::Write)?;
    let mut answer = String::new();
    client.read_to_string(&mut answer)?;
    ok(server.join().unwrap()? == 60000 && answer == "SHOUT ".repeat(10000), "TCP");
    let (one, two) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    one.send_to(b"datagram", two.local_addr()?)?;
    let mut buffer = [0; 20];
    let (length, from) = two.recv_from(&mut buffer)?;
    ok(&buffer[..length] == b"datagram" && from == one.local_addr()?, "UDP");
    two.set_read_timeout(Some(Duration::from_millis(2)))?;
    ok(two.recv_from(&mut buffer).unwrap_err().kind() == ErrorKind::WouldBlock, "a read that gives up");
    let (mut left, mut right) = UnixStream::pair()?;
    left.write_all(b"pair")?;
    drop(left);
    let mut text = String::new();
    right.read_to_string(&mut text)?;
    ok(text == "pair", "a pair of Unix sockets");
    drop(TcpListener::bind(address));
    ok(TcpStream::connect(address).unwrap_err().kind() == ErrorKind::ConnectionRefused, "a port that nobody listens on");
    Ok(())
}

fn main() {
    start();
    threads();
    panics();
    files().unwrap();
    sockets().unwrap();
    let begin = Instant::now();
    thread::sleep(Duration::from_millis(3));
    ok(begin.elapsed() >= Duration::from_millis(3), "sleep");
    let map: HashMap<_, _> = (0..1000).map(|i| (i.to_string(), i)).collect();
    ok(map["999"] == 999, "a hash table, with its random keys");
    println!("1..{}", RUN.load(Ordering::Relaxed));
    std::process::exit((FAILED.load(Ordering::Relaxed) > 0) as i32);
}
