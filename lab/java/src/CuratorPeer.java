import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.HashSet;
import java.util.TreeSet;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryOneTime;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.details.JsonInstanceSerializer;

/** Registers a calculator in ZooKeeper, calls each one that it finds there, and prints the ids whenever they change. */
public class CuratorPeer {
  /** Takes the address of ZooKeeper. The line `out` of standard input takes its own calculator out of service, and `back` undoes it. */
  public static void main(String[] arguments) throws Exception {
    try (var client = CuratorFrameworkFactory.newClient(arguments[0], 4_000, 4_000, new RetryOneTime(1_000))) {
      client.start();
      var serializer = new JsonInstanceSerializer<>(Void.class, false); // by default the nodes lack "enabled"
      var builder = ServiceDiscoveryBuilder.builder(Void.class).client(client).basePath("/services");
      try (var discovery = builder.serializer(serializer).build()) {
        discovery.start();
        var own = instance(Calculator.serve(), true);
        discovery.registerService(own);
        var input = new BufferedReader(new InputStreamReader(System.in));
        var called = new HashSet<String>();
        for (String seen = null; ; Thread.sleep(500)) {
          while (input.ready()) discovery.updateService(instance(own.getPort(), input.readLine().equals("back")));
          seen = look(discovery, called, seen);
        }
      }
    }
  }

  private static String look(ServiceDiscovery<Void> discovery, HashSet<String> called, String seen) throws Exception {
    var ids = new TreeSet<String>();
    for (var found : discovery.queryForInstances(Calculator.SERVICE)) {
      if (!found.isEnabled()) continue;
      ids.add(found.getId());
      if (!called.add(found.getId())) continue;
      var uri = found.getUriSpec() == null ? "" : " at " + found.buildUriSpec();
      System.out.println("answer of " + found.getId() + ": " + Calculator.add(found.getAddress(), found.getPort()) + uri);
    }
    var all = String.join(" ", ids);
    if (!all.equals(seen)) System.out.println("sees: " + all);
    return all;
  }

  private static ServiceInstance<Void> instance(int port, boolean enabled) throws Exception {
    return ServiceInstance.<Void>builder()
        .name(Calculator.SERVICE)
        .id("peer-1")
        .address("127.0.0.1")
        .port(port)
        .enabled(enabled)
        .build();
  }
}
