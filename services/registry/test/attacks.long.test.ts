import { describeAttacksOverEtcd } from './attacks/describe-attacks.js';

describeAttacksOverEtcd(1);
