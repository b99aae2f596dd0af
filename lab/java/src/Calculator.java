import io.grpc.CallOptions;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.Marshaller;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** The method Add of calculator.v1.CalculatorService, whose messages are bytes here. */
final class Calculator {
  static final String SERVICE = "calculator.v1.CalculatorService";

  private static final Marshaller<byte[]> BYTES =
      new Marshaller<>() {
        @Override
        public InputStream stream(byte[] message) {
          return new ByteArrayInputStream(message);
        }

        @Override
        public byte[] parse(InputStream stream) {
          try {
            return stream.readAllBytes();
          } catch (IOException failure) {
            throw new UncheckedIOException(failure);
          }
        }
      };
  private static final MethodDescriptor<byte[], byte[]> ADD =
      MethodDescriptor.newBuilder(BYTES, BYTES).setType(MethodType.UNARY).setFullMethodName(SERVICE + "/Add").build();

  /** Serves at a free port of 127.0.0.1, and says that each sum is 42. */
  static int serve() throws IOException {
    var service =
        ServerServiceDefinition.builder(SERVICE)
            .addMethod(
                ADD,
                ServerCalls.asyncUnaryCall(
                    (request, answer) -> {
                      answer.onNext(new byte[] {8, 42});
                      answer.onCompleted();
                    }))
            .build();
    return NettyServerBuilder.forPort(0).addService(service).build().start().getPort();
  }

  /** Adds 2 and 3 at a server. */
  static int add(String host, int port) {
    var channel = NettyChannelBuilder.forAddress(host, port).usePlaintext().build();
    try {
      var answer = ClientCalls.blockingUnaryCall(channel, ADD, CallOptions.DEFAULT, new byte[] {8, 2, 16, 3});
      return answer[1];
    } finally {
      channel.shutdownNow();
    }
  }
}
