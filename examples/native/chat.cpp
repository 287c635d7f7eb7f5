// Limpet from C++: a chat with rooms. The path is the room, the query the name: ws://127.0.0.1:8080/tea?Ann
//
//   chat [PORT]
//
// limpet.h is C: callbacks are lambdas without captures, and the server is held by a unique_ptr.

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include <limpet.h>

namespace {

struct Free {
  void operator()(limpet_config *config) const { limpet_config_free(config); }
  void operator()(limpet_server *server) const { limpet_server_free(server); }
};

/// Who is where: a session's own, from its handshake to its end.
struct Visitor {
  std::string room, name;
};

std::string part(limpet_session session, limpet_part which) {
  char text[256];
  const int length = limpet_session_request_part(session, which, text, sizeof text);
  return length < 0 ? std::string() : std::string(text);
}

Visitor &visitor(limpet_session session) {
  return *static_cast<Visitor *>(limpet_session_user(session));
}

/// Says something to all in a session's room but itself.
void say(limpet_server *server, limpet_session session, const std::string &text) {
  const std::string line = visitor(session).name + text;
  limpet_server_publish(server, visitor(session).room.c_str(), session, LIMPET_TEXT, line.data(),
                        line.size(), nullptr);
}

void begin(limpet_server *server) {
  limpet_server_set_on_connect(
      server,
      [](limpet_server *of, limpet_session session, void *) {
        const std::string name = part(session, LIMPET_PART_QUERY);
        const std::string room = part(session, LIMPET_PART_PATH);
        auto visitor = std::make_unique<Visitor>(Visitor{room, name.empty() ? "somebody" : name});
        if (limpet_session_join(session, room.c_str()) < 0) {
          limpet_session_close(session, 1013, "no room");
          return;
        }
        limpet_session_set_user(session, visitor.release());
        say(of, session, " came");
      },
      nullptr);
  limpet_server_set_on_message(
      server,
      [](limpet_server *of, limpet_session session, limpet_type type, char *data, size_t length,
         void *) {
        if (type == LIMPET_TEXT) say(of, session, ": " + std::string(data, length));
        else limpet_session_close(session, 1003, "words, please");
      },
      nullptr);
  limpet_server_set_on_close(
      server,
      [](limpet_server *of, limpet_session session, uint16_t, const char *, void *) {
        if (limpet_session_user(session) == nullptr) return;
        say(of, session, " left");
        const std::unique_ptr<Visitor> gone(&visitor(session));
        limpet_session_set_user(session, nullptr);
      },
      nullptr);
}

limpet_server *running = nullptr;

}  // namespace

int main(int argc, char **argv) {
  const std::unique_ptr<limpet_config, Free> config(limpet_config_new());
  limpet_config_set_port(config.get(), argc > 1 ? std::atoi(argv[1]) : 8080);
  // The path and the query are looked at when the session is open.
  limpet_config_set_keep_request(config.get(), "");
  const std::unique_ptr<limpet_server, Free> server(limpet_server_new(config.get()));
  begin(server.get());
  if (limpet_server_start(server.get()) < 0) {
    std::cerr << "chat: " << limpet_last_error() << '\n';
    return 1;
  }
  std::cout << "listening on http://127.0.0.1:" << limpet_server_port(server.get()) << "/\n"
            << std::flush;
  running = server.get();
  for (const int number : {SIGINT, SIGTERM}) {
    std::signal(number, [](int) { limpet_server_interrupt(running, 1000); });
  }
  limpet_server_run(server.get());
}
