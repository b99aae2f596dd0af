import { survives } from './survives.js';

survives(3_000);
