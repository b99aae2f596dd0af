import { runService } from '@rondo/service';
import { registry } from './index.js';

await runService(registry);
