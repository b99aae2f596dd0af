import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.cloud.client.discovery.DiscoveryClient;
import org.springframework.context.ConfigurableApplicationContext;

/** A Spring Boot application that calls the calculator which it finds by Eureka, and then registers its own. */
@EnableAutoConfiguration
public class SpringPeer {
  /** Takes the URL of Eureka. */
  public static void main(String[] arguments) throws Exception {
    var eureka = "eureka.client.service-url.defaultZone=" + arguments[0];
    try (var caller = start("spring-client", eureka, "spring.cloud.service-registry.auto-registration.enabled=false")) {
      var discovery = caller.getBean(DiscoveryClient.class);
      while (discovery.getInstances(Calculator.SERVICE).isEmpty()) Thread.sleep(200);
      var found = discovery.getInstances(Calculator.SERVICE).get(0);
      System.out.println("answer of " + found.getInstanceId() + ": " + Calculator.add(found.getHost(), found.getPort()));
    }
    var port = "eureka.instance.non-secure-port=" + Calculator.serve();
    try (var server = start(Calculator.SERVICE, eureka, port)) {
      Thread.currentThread().join();
    }
  }

  private static ConfigurableApplicationContext start(String name, String... properties) {
    return new SpringApplicationBuilder(SpringPeer.class)
        .web(WebApplicationType.NONE)
        .properties(properties)
        .properties(
            "spring.application.name=" + name,
            "eureka.client.jersey.enabled=false",
            "eureka.instance.ip-address=127.0.0.1",
            "eureka.instance.prefer-ip-address=true",
            "eureka.instance.instance-id=spring-1",
            "eureka.instance.lease-renewal-interval-in-seconds=1",
            "eureka.instance.lease-expiration-duration-in-seconds=30",
            "eureka.client.initial-instance-info-replication-interval-seconds=1",
            "eureka.client.registry-fetch-interval-seconds=1")
        .run();
  }
}
