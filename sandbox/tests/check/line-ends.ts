const a = 1; // one a = 2;a = 3;﻿
export default () => 1;
