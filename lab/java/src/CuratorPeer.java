import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryOneTime;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;

/** Calls the calculator that it finds by ZooKeeper, and then registers its own. */
public class CuratorPeer {
  /** Takes the address of ZooKeeper. */
  public static void main(String[] arguments) throws Exception {
    try (var client = CuratorFrameworkFactory.newClient(arguments[0], new RetryOneTime(1_000))) {
      client.start();
      try (var discovery = ServiceDiscoveryBuilder.builder(Void.class).client(client).basePath("/services").build()) {
        discovery.start();
        while (discovery.queryForInstances(Calculator.SERVICE).isEmpty()) Thread.sleep(200);
        var found = discovery.queryForInstances(Calculator.SERVICE).iterator().next();
        System.out.println("answer of " + found.getId() + ": " + Calculator.add(found.getAddress(), found.getPort()));
        discovery.registerService(
            ServiceInstance.<Void>builder()
                .name(Calculator.SERVICE)
                .id("curator-1")
                .address("127.0.0.1")
                .port(Calculator.serve())
                .build());
        Thread.currentThread().join();
      }
    }
  }
}
