// The JDK's own server, with threads.
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;

class Server {
  public static void main(String[] arguments) throws Exception {
    byte[] body = "{\"version\": \"@VERSION@\"}".getBytes();
    HttpServer server = HttpServer.create(new InetSocketAddress(@PORT@), 0);
    server.createContext("/", exchange -> {
      exchange.getRequestBody().readAllBytes();
      try {
        if (exchange.getRequestURI().getPath().equals("/slow")) Thread.sleep(2000);
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
      }
      exchange.sendResponseHeaders(200, body.length);
      exchange.getResponseBody().write(body);
      exchange.close();
    });
    server.setExecutor(Executors.newCachedThreadPool());
    server.start();
  }
}
