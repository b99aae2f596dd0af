import { describeTrace } from './src/journeys/trace.js';

describeTrace('through the tunnel', {});
describeTrace('by gRPC and TLS, with authentication', { auth: true, tls: true, env: { RONDO_TRANSPORT: 'grpc' } });
