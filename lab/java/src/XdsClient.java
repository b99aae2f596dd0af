import io.grpc.CallOptions;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import io.grpc.xds.XdsChannelCredentials;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * Calls calculator.Calculator by the target of the first argument, as often a second as the second says, and prints the answers of each second
 * as JSON. A server of the laboratory answers with its number, below 128.
 */
public final class XdsClient {
  private static Map<String, Integer> counts = new TreeMap<>();

  /** 0 and 0 are an empty message; the answer has a tag, and an integer of one byte. */
  private static final MethodDescriptor.Marshaller<Integer> NUMBER =
      new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(Integer value) {
          return new ByteArrayInputStream(new byte[0]);
        }

        @Override
        public Integer parse(InputStream stream) {
          try {
            byte[] bytes = stream.readAllBytes();
            return bytes.length < 2 ? 0 : (int) bytes[1];
          } catch (IOException error) {
            throw new IllegalStateException(error);
          }
        }
      };

  private static final MethodDescriptor<Integer, Integer> ADD =
      MethodDescriptor.<Integer, Integer>newBuilder(NUMBER, NUMBER)
          .setType(MethodDescriptor.MethodType.UNARY)
          .setFullMethodName("calculator.Calculator/Add")
          .build();

  public static void main(String[] args) {
    ManagedChannel channel = Grpc.newChannelBuilder(args[0], XdsChannelCredentials.create(InsecureChannelCredentials.create())).build();
    var timers = Executors.newScheduledThreadPool(2);
    long intervalNanos = (long) (1e9 / Double.parseDouble(args[1]));
    timers.scheduleAtFixedRate(() -> call(channel), 0, intervalNanos, TimeUnit.NANOSECONDS);
    timers.scheduleAtFixedRate(XdsClient::report, 1, 1, TimeUnit.SECONDS);
  }

  private static void call(ManagedChannel channel) {
    var call = channel.newCall(ADD, CallOptions.DEFAULT.withDeadlineAfter(20, TimeUnit.SECONDS));
    ClientCalls.asyncUnaryCall(
        call,
        0,
        new StreamObserver<>() {
          @Override
          public void onNext(Integer number) {
            count(String.valueOf(number));
          }

          @Override
          public void onError(Throwable error) {
            var status = ((StatusRuntimeException) error).getStatus();
            count(status.getCode().value() + " " + String.valueOf(status.getDescription()).replaceAll("[\"\\\\\n]", " "));
          }

          @Override
          public void onCompleted() {}
        });
  }

  private static synchronized void count(String answer) {
    counts.merge(answer, 1, Integer::sum);
  }

  private static synchronized void report() {
    System.out.println(
        counts.entrySet().stream()
            .map(entry -> "\"" + entry.getKey() + "\":" + entry.getValue())
            .collect(Collectors.joining(",", "{", "}")));
    counts = new TreeMap<>();
  }
}
