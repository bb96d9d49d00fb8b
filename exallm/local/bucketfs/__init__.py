"""An HTTP BucketFS for the real exasol-bucketfs client."""
