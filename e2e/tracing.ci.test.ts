import { describeTrace } from './src/journeys/trace.js';

describeTrace('through the tunnel', {});
