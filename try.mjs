import { createServer } from "node:http"; import { readFileSync, existsSync, statSync } from "node:fs"; import path from "node:path"; import { chromium } from "playwright-core";
const T={html:"text/html",js:"text/javascript",css:"text/css",svg:"image/svg+xml",json:"application/json",wasm:"application/wasm"};
const s=createServer((q,r)=>{let p=decodeURIComponent(new URL(q.url,"http://x").pathname); const pre="/some/deep/folder"; let f=p.startsWith(pre)?p.slice(pre.length):p; let file=path.join("build/site",f); if(existsSync(file)&&statSync(file).isDirectory()) file+="/index.html"; if(!existsSync(file)){console.log("404",p);r.writeHead(404).end();return;} r.writeHead(200,{"content-type":T[file.split(".").pop()]??"application/octet-stream"}).end(readFileSync(file));});
await new Promise(r=>s.listen(0,r)); const o=`http://127.0.0.1:${s.address().port}`;
const b=await chromium.launch({executablePath:"/usr/bin/chromium",args:["--headless","--no-sandbox","--disable-gpu"]});
const pg=await b.newPage({viewport:{width:1280,height:900}}); pg.on("console",m=>m.type()=="error"&&console.log("console",m.text())); pg.on("pageerror",e=>console.log("ERR",e.message));
for (const base of ["/","/some/deep/folder/"]) { console.log(base);
await pg.goto(o+base); await pg.waitForLoadState("networkidle");
await pg.click("text=Reference"); await pg.waitForURL("**/reference/**"); console.log(pg.url());
await pg.click("text=coarsegrad/quant"); await pg.waitForURL("**/quant.html"); await pg.waitForSelector("h1:has-text('coarsegrad/quant')"); console.log(pg.url(), await pg.title());
await pg.keyboard.press("Control+k"); await pg.waitForSelector(".VPLocalSearchBox"); await pg.keyboard.type("BinaryRelax"); await pg.waitForSelector(".VPLocalSearchBox .result"); console.log(await pg.$$eval(".VPLocalSearchBox .result",e=>e.slice(0,3).map(x=>x.getAttribute("href")))); await pg.click(".VPLocalSearchBox .result"); await pg.waitForTimeout(800); console.log(pg.url());
await pg.click("nav >> text=Examples"); await pg.waitForTimeout(500); console.log(pg.url());
}
await pg.screenshot({path:"/tmp/a.png"}); await b.close(); s.close();
