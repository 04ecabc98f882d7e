/// @file
/// Connected sockets for Poco's sessions whose verbs look blocking but wait under a SocketGuard.
///
/// Poco's own timeouts begin anew with each byte, and with TLS not even then, so they can't keep a deadline against a
/// peer that trickles. These sockets are non-blocking underneath.
#pragma once

#include <Poco/Net/Context.h>
#include <Poco/Net/SecureStreamSocketImpl.h>
#include <Poco/Net/StreamSocketImpl.h>

#include <string>

#include "midair/fd.h"
#include "net/socket_guard.h"

namespace midair {

/// TCP. Keeps a reference to the guard. Throws what Poco's sockets throw, and what the guard throws.
class PlainSocket final : public Poco::Net::StreamSocketImpl {
 public:
  PlainSocket(Fd fd, SocketGuard& guard);

  int receiveBytes(void* buffer, int length, int flags) override;
  int sendBytes(const void* buffer, int length, int flags) override;

 private:
  SocketGuard& guard_;
};

/// TLS over TCP; handshake() comes first.
class TlsSocket final : public Poco::Net::SecureStreamSocketImpl {
 public:
  /// `tcp` is connected and non-blocking; both share it.
  TlsSocket(Poco::Net::StreamSocketImpl& tcp, const Poco::Net::Context::Ptr& context, SocketGuard& guard);

  /// Throws a Poco::Net::SSLException if the peer can't prove to be `host`: a CertificateValidationException, whose
  /// message says why, if that is due to its certificate.
  void handshake(const std::string& host);

  int receiveBytes(void* buffer, int length, int flags) override;
  int sendBytes(const void* buffer, int length, int flags) override;
  void close() override;

 private:
  /// Repeats `step` until it no longer says that it would block.
  template <class Step>
  int complete(const Step& step);

  SocketGuard& guard_;
};

}  // namespace midair
