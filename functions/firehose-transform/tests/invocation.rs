//! One invocation of the real program, by a Runtime API that knows just that.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

const REQUEST_ID: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";
const TRACE_ID: &str = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1";
/// A batch of one record, which is not JSON.
const EVENT: &str = r#"{"invocationId":"i","records":[{"recordId":"r1","approximateArrivalTimestamp":1705287600007,"data":"Tm8gSlNPTg=="}]}"#;

struct Function {
    process: Child,
    api: TcpListener,
}

impl Function {
    fn start(stdout: impl Into<Stdio>) -> Self {
        let api = TcpListener::bind("127.0.0.1:0").unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_firehose-transform"))
            .env_clear()
            .envs([
                ("AWS_LAMBDA_RUNTIME_API", api.local_addr().unwrap().to_string().as_str()),
                ("AWS_LAMBDA_FUNCTION_NAME", "f"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
                ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
                (
                    "PROFILE_SOURCE",
                    concat!("file:", env!("CARGO_MANIFEST_DIR"), "/../../events/profiles.json"),
                ),
            ])
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Function { process, api }
    }

    /// Invokes it. Gives the path that it answered to, and the answer; the connection for the next event is left open.
    fn invoke(&self) -> (String, String, TcpStream) {
        let (next, _) = self.api.accept().unwrap();
        let (path, _) = request(&next);
        assert_eq!(path, "/2018-06-01/runtime/invocation/next");
        let head = format!(
            "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: {REQUEST_ID}\r\nLambda-Runtime-Trace-Id: {TRACE_ID}\r\n\
             Lambda-Runtime-Deadline-Ms: 4102444800000\r\nLambda-Runtime-Invoked-Function-Arn: arn\r\n\
             Content-Length: {}\r\n\r\n{EVENT}",
            EVENT.len()
        );
        (&next).write_all(head.as_bytes()).unwrap();
        let (answer, _) = self.api.accept().unwrap();
        let (path, body) = request(&answer);
        (path, body, next)
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A request's path and body.
fn request(connection: &TcpStream) -> (String, String) {
    let mut reader = BufReader::new(connection);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let path = line.split(' ').nth(1).unwrap().to_owned();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        match line.trim_end().to_ascii_lowercase().split_once(": ") {
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (path, String::from_utf8(body).unwrap())
}

#[test]
fn every_log_line_says_of_which_invocation_it_is() {
    let mut function = Function::start(Stdio::piped());
    let (path, _, _) = function.invoke();
    assert_eq!(path, format!("/2018-06-01/runtime/invocation/{REQUEST_ID}/response"));
    let lines = BufReader::new(function.process.stdout.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.into_iter().find(|line| line.contains("records not scored")).unwrap();
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    let fields = &line["fields"];
    assert_eq!((&fields["reasons"], &fields["first"]), (&"not_json=1".into(), &"r1".into()));
    assert_eq!(
        (&line["span"]["requestId"], &line["span"]["xrayTraceId"]),
        (&REQUEST_ID.into(), &TRACE_ID.into())
    );
}

#[test]
fn metrics_that_cannot_be_written_do_not_fail_an_invocation_whose_work_is_done() {
    let function = Function::start(File::options().write(true).open("/dev/full").unwrap());
    let (path, answer, _) = function.invoke();
    assert_eq!(path, format!("/2018-06-01/runtime/invocation/{REQUEST_ID}/response"), "{answer}");
    assert!(answer.contains("\"recordId\":\"r1\""), "{answer}");
}

#[test]
fn a_runtime_api_that_breaks_off_ends_the_process_with_the_cause() {
    let mut function = Function::start(Stdio::null());
    let (connection, _) = function.api.accept().unwrap();
    // A connection that breaks off before the request is sent is not an error: the client opens another.
    request(&connection);
    drop(connection);
    assert_eq!(function.process.wait().unwrap().code(), Some(1));
    let mut stderr = String::new();
    function.process.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert!(stderr.contains("firehose-transform cannot run: client error (SendRequest): "), "{stderr}");
}
