"""Metrics that AWS writes, by namespace: their names and the dimension under which this product looks them up."""

METRICS = {
    "AWS/Kinesis": (
        {"StreamName": "AWS::Kinesis::Stream"},
        {"IncomingBytes", "IncomingRecords", "ReadProvisionedThroughputExceeded", "WriteProvisionedThroughputExceeded"},
    ),
    "AWS/Lambda": (
        {"FunctionName": "AWS::Lambda::Function"},
        {"ConcurrentExecutions", "Duration", "Errors", "Invocations", "IteratorAge", "Throttles"},
    ),
    "AWS/Lambda mapping": (
        {"EventSourceMappingUUID": "AWS::Lambda::EventSourceMapping"},
        {"DroppedEventCount", "OnFailureDestinationDeliveredEventCount"},
    ),
    "AWS/Firehose": (
        {"DeliveryStreamName": "AWS::KinesisFirehose::DeliveryStream"},
        {
            "BackupToS3.DataFreshness",
            "DeliveryToS3.DataFreshness",
            "ExecuteProcessing.Success",
            "FailedConversion.Records",
            "IncomingRecords",
            "KinesisMillisBehindLatest",
            "PartitionCountExceeded",
            "SucceedConversion.Records",
        },
    ),
    "AWS/DynamoDB": ({"TableName": "AWS::DynamoDB::Table"}, {"ReadThrottleEvents", "WriteThrottleEvents"}),
    "AWS/SNS": ({"TopicName": "AWS::SNS::Topic"}, {"NumberOfNotificationsDelivered", "NumberOfNotificationsFailed"}),
    "AWS/SQS": (
        {"QueueName": "AWS::SQS::Queue"},
        {"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"},
    ),
}
# What Ref gives is the dimension's value, but for these.
BY_ATTRIBUTE = {"QueueName": "QueueName", "TopicName": "TopicName"}
