import { runService } from '@rondo/service';
import { createApp } from './app.js';

await runService({ name: 'calculator', port: 50051, createApp });
