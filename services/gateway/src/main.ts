#!/usr/bin/env node
import { runService } from '@rondo/service';
import { createApp } from './app.js';
import { variables } from './config.js';

await runService({ name: 'gateway', port: 50071, variables, createApp });
