import { ATTACKS, describeAttacks } from './attacks/suite.js';

describeAttacks('with TLS, and a client with a certificate,', ATTACKS);
describeAttacks('that is permissive', ATTACKS);
