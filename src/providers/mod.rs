//! Outside hosts: build a request, read a response, read an event. Everything is sent through `HttpClient`.
