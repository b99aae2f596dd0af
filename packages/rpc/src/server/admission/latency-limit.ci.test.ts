import { describeLatencyLimit } from '../../../test/admission/latency-limit.js';

describeLatencyLimit([1]);
