//! Answers of the function, and the error output that comes of them.

use std::time::Duration;

use serde_json::json;

use crate::support::{
    Received, Reply, drain, errors, function, noon, ok, raw, result, settings, source, text,
};

#[tokio::test(start_paused = true)]
async fn ok_data_is_delivered_dropped_records_leave_no_trace_and_failed_ones_are_error_output() {
    let (mixed, _) = function(|_, records| {
        Reply::Records(vec![
            result(&records[2], "ProcessingFailed"),
            ok(&records[0], "A"),
            result(&records[1], "Dropped"),
        ])
    });

    let (report, objects) = drain(source(["a", "b", "c"]), mixed, settings()).await;

    assert_eq!(text(&objects, "all/"), "A");
    let [line] = &errors(&objects, "errors/")[..] else { panic!("{objects:?}") };
    assert_eq!((raw(line).as_str(), &line["errorCode"]), ("c", &json!("Lambda.ProcessingFailedStatus")));
    assert_eq!((report.ok, report.dropped, report.processing_failed), (1, 1, 1));
    assert_eq!(report.failures, [("Lambda.ProcessingFailedStatus".to_owned(), 1)].into());
    assert_eq!((report.invocations, report.failed_invocations), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_line_of_error_output_says_what_came_when_what_went_wrong_and_how_often_it_was_tried() {
    let (slow, _) = function(|number, records| match number {
        0 => Reply::Hang,
        _ => Reply::Records(vec![result(&records[0], "ProcessingFailed")]),
    });

    let (_, objects) = drain(source(["a"]), slow, settings()).await;

    let arrival = u64::try_from(noon().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis()).unwrap();
    let line = text(&objects, "errors/processing-failed/");
    let ended = errors(&objects, "errors/")[0]["attemptEndingTimestamp"].as_u64().unwrap();
    assert_eq!(
        line,
        format!(
            "{{\"rawData\":\"YQ==\",\"errorCode\":\"Lambda.ProcessingFailedStatus\",\
             \"errorMessage\":\"ProcessingFailed status set for record\",\"attemptsMade\":2,\
             \"arrivalTimestamp\":{arrival},\"attemptEndingTimestamp\":{ended},\
             \"lambdaARN\":\"arn:of:function\"}}\n"
        )
    );
    // The first attempt was aborted after a minute.
    assert!((60_000..62_000).contains(&(ended - arrival)), "{ended}");
}

/// The records that fail under an answer, with their codes.
async fn failing(script: impl Fn(&[Received]) -> Reply) -> (Vec<(String, String)>, String) {
    let (function, log) = function(move |_, records| script(records));
    let (report, objects) = drain(source(["a", "b", "c"]), function, settings()).await;
    let code = |line: &serde_json::Value| line["errorCode"].as_str().unwrap().to_owned();
    let failed: Vec<_> =
        errors(&objects, "errors/processing-failed/").iter().map(|line| (raw(line), code(line))).collect();
    assert_eq!(log.sizes(), [3], "an answer is final");
    assert_eq!(report.ok + report.processing_failed, 3);
    (failed, text(&objects, "all/"))
}

#[tokio::test(start_paused = true)]
async fn a_record_that_the_answer_leaves_out_fails_for_itself() {
    let (failed, delivered) =
        failing(|records| Reply::Records(vec![ok(&records[0], "a"), ok(&records[2], "c")])).await;

    assert_eq!(failed, [("b".to_owned(), "Lambda.MissingRecordId".to_owned())]);
    assert_eq!(delivered, "ac");
}

#[tokio::test(start_paused = true)]
async fn a_record_that_the_answer_names_twice_fails_for_itself() {
    let (failed, delivered) = failing(|records| {
        let twice = [0, 1, 1, 2].map(|index: usize| ok(&records[index], &records[index].text));
        Reply::Records(twice.to_vec())
    })
    .await;

    assert_eq!(failed, [("b".to_owned(), "Lambda.DuplicatedRecordId".to_owned())]);
    assert_eq!(delivered, "ac");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_read_fails_its_batch() {
    let all = |code: &str| ["a", "b", "c"].map(|record| (record.to_owned(), code.to_owned()));

    let (failed, _) = failing(|_| Reply::Says("null".to_owned())).await;
    assert_eq!(failed, all("Lambda.JsonProcessingException"));
    let (failed, _) = failing(|_| Reply::Says("{}".to_owned())).await;
    assert_eq!(failed, all("Lambda.MissingRecordId"));
    let (failed, _) = failing(|records| {
        Reply::Records(vec![ok(&records[0], "a"), ok(&records[1], "b"), result(&records[2], "OK")])
    })
    .await;
    assert_eq!(failed, all("Lambda.FunctionError"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_more_than_six_megabytes_is_a_failed_invocation() {
    let padded = |size: usize| Reply::Says(format!("{}{{}}", " ".repeat(size - 2)));
    let (large, log) = function(move |number, _| match number {
        0 => padded(6 * 1024 * 1024 + 1),
        _ => Reply::Ok,
    });

    let (report, objects) = drain(source(["a"]), large, settings()).await;

    assert_eq!((log.sizes().len(), report.failed_invocations), (2, 1));
    assert_eq!(text(&objects, "all/"), "a");
    let (full, log) = function(move |_, _| padded(6 * 1024 * 1024));
    drain(source(["a"]), full, settings()).await;
    assert_eq!(log.sizes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_function_that_never_answers_is_aborted_at_its_deadline() {
    let (stuck, log) = function(|_, _| Reply::Hang);
    let settings = crate::support::settings();
    let timeout = settings.function_timeout;

    let (report, _) = drain(source(["a"]), stuck, settings).await;

    let at: Vec<_> = log.invocations().iter().map(|invoked| invoked.at).collect();
    assert!(at.windows(2).all(|pair| pair[1] - pair[0] >= timeout + Duration::from_millis(500)));
    assert_eq!((report.failed_invocations, report.processing_failed), (4, 1));
}
