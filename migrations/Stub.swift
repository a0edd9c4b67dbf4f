/// Stub
