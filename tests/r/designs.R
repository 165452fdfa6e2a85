# Boundaries, sizes and contrasts of rpact and DoseFinding for test_designs.py: Rscript designs.R < lines of inputs.
# Debian: apt install r-cran-rpact r-cran-dosefinding. Only numbers are taken from these programs, no code.
suppressMessages({library(rpact); library(DoseFinding)})
for (line in readLines(file("stdin"))) {
  word <- strsplit(line, " ")[[1]]
  x <- as.numeric(word[-1])
  out <- switch(word[1],
    obrien_fleming = getDesignGroupSequential(kMax = x[1], alpha = x[2], typeOfDesign = "OF")$criticalValues,
    pocock = getDesignGroupSequential(kMax = x[1], alpha = x[2], typeOfDesign = "P")$criticalValues,
    lan_demets_obrien_fleming = getDesignGroupSequential(alpha = x[1], informationRates = x[-1], typeOfDesign = "asOF")$criticalValues,
    lan_demets_pocock = getDesignGroupSequential(alpha = x[1], informationRates = x[-1], typeOfDesign = "asP")$criticalValues,
    hwang_shih_decani = getDesignGroupSequential(alpha = x[1], gammaA = x[2], informationRates = x[-(1:2)], typeOfDesign = "asHSD")$criticalValues,
    means = getSampleSizeMeans(alternative = x[3], stDev = x[4], alpha = x[1] / 2, beta = 1 - x[2])$nFixed,
    pairs = getSampleSizeMeans(groups = 1, alternative = x[3], stDev = x[4], alpha = x[1] / 2, beta = 1 - x[2])$nFixed,
    shares = getSampleSizeRates(pi1 = x[3], pi2 = x[4], alpha = x[1] / 2, beta = 1 - x[2])$nFixed,
    inflation = getDesignCharacteristics(getDesignGroupSequential(alpha = x[1], beta = x[2], informationRates = x[-(1:2)], typeOfDesign = "asOF"))$inflationFactor,
    critical = {
      contrasts <- optContr(Mods(emax = x[2], linear = NULL, exponential = x[3], doses = x[-(1:3)]), w = 1)
      set.seed(1)
      DoseFinding:::critVal(contrasts$corMat, alpha = x[1], df = 20 * length(x[-(1:3)]) - length(x[-(1:3)]), alternative = "one.sided",
        control = mvtnorm.control(maxpts = 1e6, abseps = 1e-5))
    },
    emax = optContr(Mods(emax = x[1], doses = x[-1]), w = 1)$contMat[, 1],
    exponential = optContr(Mods(exponential = x[1], doses = x[-1]), w = 1)$contMat[, 1])
  cat(format(out, digits = 10), "\n")
}
