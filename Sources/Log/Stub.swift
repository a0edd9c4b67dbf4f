/// Stub.
