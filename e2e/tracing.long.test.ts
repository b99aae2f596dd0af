import { describeTrace } from './src/journeys/trace.js';

const GRPC = { RONDO_TRANSPORT: 'grpc' };

describeTrace('by gRPC', { env: GRPC });
describeTrace('through the tunnel and TLS', { tls: true });
describeTrace('by gRPC and TLS', { tls: true, env: GRPC });
describeTrace('through the tunnel and TLS, with authentication', { auth: true, tls: true });
describeTrace('by gRPC and TLS, with authentication', { auth: true, tls: true, env: GRPC });
