//! Takes invocations from the Lambda Runtime API and answers each with as many bytes as the transform would, without a look
//! inside: what the way there and back costs by itself, over one blocking socket and with nothing else around it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

fn main() -> io::Result<()> {
    let address = std::env::var("AWS_LAMBDA_RUNTIME_API").map_err(io::Error::other)?;
    let mut connection = BufReader::new(TcpStream::connect(&address)?);
    connection.get_ref().set_nodelay(true)?;
    let (mut event, mut answer) = (Vec::new(), Vec::new());
    loop {
        let next = format!("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: {address}\r\n\r\n");
        connection.get_ref().write_all(next.as_bytes())?;
        let id = receive(&mut connection, &mut event)?;
        answer.clear();
        // A scored record takes a quarter more than the record in the event.
        let length = event.len() + event.len() / 4;
        write!(
            answer,
            "POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nhost: {address}\r\ncontent-length: {length}\r\n\r\n"
        )?;
        answer.resize(answer.len() + length, b' ');
        connection.get_ref().write_all(&answer)?;
        receive(&mut connection, &mut event)?;
    }
}

/// Reads a response's body. Gives the invocation's id, if there is one.
fn receive(connection: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> io::Result<String> {
    let (mut id, mut length) = (String::new(), 0);
    let mut line = String::new();
    while connection.read_line(&mut line)? > "\r\n".len() {
        if let Some((name, value)) = line.split_once(':') {
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().map_err(io::Error::other)?,
                "lambda-runtime-aws-request-id" => value.trim().clone_into(&mut id),
                _ => {}
            }
        }
        line.clear();
    }
    body.resize(length, 0);
    connection.read_exact(body)?;
    Ok(id)
}
