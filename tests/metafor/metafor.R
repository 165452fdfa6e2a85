# What metafor gives for its public data sets and for 100 random ones: the values that tests/test_pooling.py holds
# otosome's own to. Run it in this folder: Rscript metafor.R (Debian: r-cran-metafor). Written with metafor 3.8.1.
suppressMessages(library(metafor))
set.seed(20261129)
sets <- list()
add <- function(name, table) sets[[name]] <<- data.frame(set = name, yi = as.numeric(table$yi), vi = as.numeric(table$vi))
add("bcg", escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg))
add("raudenbush1985", dat.raudenbush1985)
normand <- dat.normand1999
add("normand1999_md", escalc(measure = "MD", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = normand))
add("normand1999_smd", escalc(measure = "SMD", m1i = m1i, sd1i = sd1i, n1i = n1i, m2i = m2i, sd2i = sd2i, n2i = n2i, data = normand))
add("molloy2014", escalc(measure = "ZCOR", ri = ri, ni = ni, data = dat.molloy2014))
add("hine1989", escalc(measure = "RD", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = dat.hine1989))
add("li2007", escalc(measure = "OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = dat.li2007))
for (n in 1:100) {
  k <- sample(3:20, 1)
  vi <- exp(rnorm(k, -1, 0.8))
  add(sprintf("random_%03d", n), data.frame(yi = rnorm(k, runif(1, -1, 2), sqrt(vi + rexp(1, 2))), vi = vi))
}
one <- function(table) {
  slow <- list(threshold = 1e-12, maxiter = 100000, stepadj = 0.5)
  fit <- rma(yi, vi, data = table, method = "REML", test = "knha", control = slow)
  ahead <- predict(fit)
  # Of results without significance one in ten is printed.
  chosen <- tryCatch({
    s <- selmodel(rma(yi, vi, data = table, method = "ML", control = slow), type = "stepfun", steps = 0.025,
                  delta = c(1, 0.1), alternative = "greater", skiphes = TRUE)
    c(s$b, s$tau2)
  }, error = function(e) c(NA, NA), warning = function(w) c(NA, NA))
  c(k = nrow(table), value = fit$b, error = fit$se, low = fit$ci.lb, high = fit$ci.ub, tau2 = fit$tau2, i2 = fit$I2,
    q = fit$QE, q_p = fit$QEp, next_low = ahead$pi.lb, next_high = ahead$pi.ub, selected = chosen[1], selected_tau2 = chosen[2])
}
pools <- data.frame(set = names(sets), t(sapply(sets, one)))
options(digits = 10)
write.csv(format(do.call(rbind, sets), digits = 12, trim = TRUE), "effects.csv", row.names = FALSE, quote = FALSE)
write.csv(format(pools, digits = 10, trim = TRUE, scientific = FALSE), "pools.csv", row.names = FALSE, quote = FALSE)
write.csv(normand[c("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i")], "normand1999.csv", row.names = FALSE, quote = FALSE)
bcg <- cbind(sets$bcg, ablat = dat.bcg$ablat)
by <- rma(yi, vi, mods = ~ablat, data = bcg, method = "REML", test = "knha", control = list(threshold = 1e-12))
print(cbind(by$b, by$se, by$pval, by$tau2), digits = 10)
print(bcg$ablat)
