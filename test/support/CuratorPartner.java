import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.retry.RetryOneTime;

/**
 * Drives Curator for a test: one session and one InterProcessMutex. Arguments: a connect
 * string and the lock's path. Reads the commands `try` (for at most one second), `acquire` and
 * `release`, one per line; answers each with its number, from 1, and `held`, `busy` or `released`.
 */
public class CuratorPartner {
  public static void main(String[] arguments) throws Exception {
    CuratorFramework client =
        CuratorFrameworkFactory.newClient(arguments[0], 10000, 10000, new RetryOneTime(100));
    client.start();
    client.blockUntilConnected();
    InterProcessMutex mutex = new InterProcessMutex(client, arguments[1]);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    System.out.println("ready");
    int number = 0;
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      number += 1;
      System.out.println(number + " " + answer(mutex, line));
    }
    client.close();
  }

  private static String answer(InterProcessMutex mutex, String line) throws Exception {
    switch (line) {
      case "try":
        return mutex.acquire(1, TimeUnit.SECONDS) ? "held" : "busy";
      case "acquire":
        mutex.acquire();
        return "held";
      case "release":
        mutex.release();
        return "released";
      default:
        throw new IllegalArgumentException(line);
    }
  }
}
