#include "net/guarded_socket.h"

#include <Poco/Net/SSLException.h>
#include <Poco/Net/SecureStreamSocket.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <cerrno>
#include <ctime>

#include "net/tls_context.h"

namespace midair {

using Poco::Net::SecureStreamSocket;

namespace {

/// OpenSSL writes without MSG_NOSIGNAL: a peer that has gone must not end the process. A SIGPIPE that comes up in this
/// thread meanwhile is taken away.
class NoSigpipe {
 public:
  NoSigpipe() {
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    ::sigpending(&pending);
    was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoSigpipe() {
    const timespec at_once{};
    if (!was_pending_) ::sigtimedwait(&pipe_, nullptr, &at_once);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;

 private:
  sigset_t pipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

}  // namespace

PlainSocket::PlainSocket(Fd fd, SocketGuard& guard) : StreamSocketImpl(fd.release()), guard_(guard) {
  setBlocking(false);
}

int PlainSocket::receiveBytes(void* buffer, int length, int flags) {
  for (;;) {
    const auto n = static_cast<int>(::recv(sockfd(), buffer, static_cast<std::size_t>(length), flags));
    if (n >= 0) {
      guard_.on_received(n);
      return n;
    }
    if (errno == EAGAIN) {
      guard_.wait(sockfd(), POLLIN);
    } else if (errno != EINTR) {
      error();
    }
  }
}

int PlainSocket::sendBytes(const void* buffer, int length, int flags) {
  for (int sent = 0; sent < length;) {
    const auto n = static_cast<int>(::send(sockfd(), static_cast<const char*>(buffer) + sent,
                                           static_cast<std::size_t>(length - sent), flags | MSG_NOSIGNAL));
    if (n >= 0) {
      sent += n;
    } else if (errno == EAGAIN) {
      guard_.wait(sockfd(), POLLOUT);
    } else if (errno != EINTR) {
      error();
    }
  }
  return length;
}

TlsSocket::TlsSocket(StreamSocketImpl& tcp, const Poco::Net::Context::Ptr& context, SocketGuard& guard)
    : SecureStreamSocketImpl(&tcp, context), guard_(guard) {}

template <class Step>
int TlsSocket::complete(const Step& step) {
  for (;;) {
    int n = 0;
    {
      const NoSigpipe no_sigpipe;
      n = step();
    }
    if (n >= 0) return n;
    // Whichever verb was called, TLS may have to read or to write first.
    guard_.wait(sockfd(), n == SecureStreamSocket::ERR_SSL_WANT_WRITE ? POLLOUT : POLLIN);
  }
}

void TlsSocket::handshake(const std::string& host) {
  setPeerHostName(host);
  setLazyHandshake(true);
  connectSSL();
  (void)take_verification_error();
  try {
    complete([this] { return completeHandshake(); });
  } catch (const Poco::Net::SSLException&) {
    const std::string why = take_verification_error();
    if (why.empty()) throw;
    throw Poco::Net::CertificateValidationException("its certificate is not trusted: " + why);
  }
  try {
    verifyPeerCertificate(host);
  } catch (const Poco::Net::CertificateValidationException&) {
    throw Poco::Net::CertificateValidationException("its certificate is for another name than " + host);
  }
}

int TlsSocket::receiveBytes(void* buffer, int length, int flags) {
  const int n = complete([&] { return SecureStreamSocketImpl::receiveBytes(buffer, length, flags); });
  guard_.on_received(n);
  return n;
}

int TlsSocket::sendBytes(const void* buffer, int length, int flags) {
  for (int sent = 0; sent < length;)
    sent += complete([&] {
      return SecureStreamSocketImpl::sendBytes(static_cast<const char*>(buffer) + sent, length - sent, flags);
    });
  return length;
}

void TlsSocket::close() {
  const NoSigpipe no_sigpipe;  // it says goodbye to the peer
  SecureStreamSocketImpl::close();
}

}  // namespace midair
