// The list of projects: the same HTML again whenever something changed.

import { adopt, page, stayCurrent } from "./live.js";

stayCurrent(async () => adopt(await page(location.href)));
